"""Named sets of filters, and the filters as they were left. They belong to one person and hold no patient's name."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from coordinator.dashboard.models import SavedView

LIMIT = 20


def views_of(user: User, page: str) -> list[SavedView]:
    """The named views of one page and, with an empty name, the filters as last left (one query)."""
    return list(SavedView.objects.filter(user=user, page=page).order_by("name"))


@transaction.atomic
def save_view(*, user: User, page: str, name: str, query: str) -> SavedView:
    """Keep filters under a name; the same name again replaces them. Raises ValidationError."""
    name = name.strip()[:80]
    if not name:
        raise ValidationError(_("Give the view a name."))
    there = SavedView.objects.filter(user=user, page=page).exclude(name="")
    if there.count() >= LIMIT and not there.filter(name=name).exists():
        raise ValidationError(_("There are %(n)d saved views already. Delete one first.") % {"n": LIMIT})
    view, _made = SavedView.objects.update_or_create(
        user=user, page=page, name=name, defaults={"query": query[:500]}
    )
    return view


@transaction.atomic
def delete_view(*, user: User, view_id: UUID) -> None:
    SavedView.objects.filter(user=user, pk=view_id).exclude(name="").delete()


def remember(*, user: User, page: str, query: str) -> None:
    """Keep the filters as left."""
    SavedView.objects.update_or_create(user=user, page=page, name="", defaults={"query": query[:500]})
