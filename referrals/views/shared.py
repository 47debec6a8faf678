"""The recipient's doorways to one packet: a link, a code, the file. They are signed in nowhere.

The secret stands behind the "?" of the link, where no log writes it, and never on a page: it is exchanged for its hash
in the session at once. Whatever is wrong with a link, the answer is one and the same page.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from coordinator.http import page, public
from coordinator.uploads import hand_out
from coordinator.wording import day_time
from coordinator.workflow import System
from patients.labels import notice_for
from patients.rules.files import name_to_save
from referrals.forms.deliveries import CodeForm
from referrals.models import SecureLink
from referrals.rules.secure_links import hash_of
from referrals.services import secure_links as links

LINK, OPENED = "shared_link", "shared_opened"
OPEN_SECONDS = 30 * 60  # after the right code
RECIPIENT = System("link")
R = TypeVar("R", bound=HttpResponseBase)


@public
@require_http_methods(["GET", "POST"])
def shared_packet(request: HttpRequest) -> HttpResponse:
    """The code is asked for; only then is anything said about the packet."""
    if request.method == "GET" and "k" in request.GET:
        request.session[LINK] = hash_of(request.GET["k"])
        return redirect("shared:packet")
    link = _live(request)
    if link is None:
        return _nothing(request)
    if _is_open(request, link):
        return _unlisted(page(request, "referrals/shared_packet.html", _words(link)))
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        if links.enter_code(link_id=link.pk, typed=form.cleaned_data["code"], by=RECIPIENT, now=now):
            request.session.cycle_key()
            request.session[OPENED] = [str(link.pk), time.time() + OPEN_SECONDS]
            return redirect("shared:packet")
        link = _live(request)
        if link is None:
            return _nothing(request)
        form.add_error("code", _wrong(link))
    status = 422 if request.method == "POST" else 200
    return _unlisted(page(request, "referrals/shared_code.html", {"form": form}, status=status))


@public
@require_GET
def shared_file(request: HttpRequest) -> HttpResponseBase:
    """The packet itself, to save. Each time is recorded; the first one is the delivery."""
    link = _live(request)
    if link is None or not _is_open(request, link):
        return _nothing(request)
    packet = link.delivery.packet
    name = name_to_save(packet.document.file_name, packet.document.content_type)
    response = hand_out(Path(packet.document.file.path), name)
    links.record_download(link_id=link.pk, by=RECIPIENT, now=timezone.now())
    return _unlisted(response)


def _live(request: HttpRequest) -> SecureLink | None:
    return links.live_link(str(request.session.get(LINK, "")), now=timezone.now())


def _is_open(request: HttpRequest, link: SecureLink) -> bool:
    """Whether the right code for this link was given in this session, not long ago."""
    key, until = request.session.get(OPENED, ["", 0])
    return bool(key == str(link.pk) and until > time.time())


def _words(link: SecureLink) -> dict[str, object]:
    packet, site = link.delivery.packet, link.delivery.referral.site
    with timezone.override(site.tzinfo):
        until = day_time(link.expires_at, zone=True)
    return {
        "site": site,
        "reference": link.delivery.referral.reference,
        "document": packet.document,
        "until": until,
        "notice": notice_for({packet.document.label}),
    }


def _wrong(link: SecureLink) -> str:
    left = ngettext(
        "This is not the code. %(n)d more try.", "This is not the code. %(n)d more tries.", link.tries_left
    ) % {"n": link.tries_left}
    return f"{left} {_('Call who sent you the link if you do not have it.')}"


def _nothing(request: HttpRequest) -> HttpResponse:
    return _unlisted(page(request, "referrals/shared_gone.html", {}, status=404))


def _unlisted(response: R) -> R:
    """Kept by nobody, found by no search engine."""
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response
