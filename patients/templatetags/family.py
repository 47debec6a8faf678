"""What a relative or caregiver may hear about, shown wherever somebody may dial, write or talk to them."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from coordinator.templatetags.ui import badge
from patients.models import Topic
from patients.safe_contact import safety

register = template.Library()


@register.inclusion_tag("patients/_safe_contact.html")
def safe_contact(patient: Any, on_banner: bool = False, on_paper: bool = False) -> dict[str, Any]:
    """`{% safe_contact patient %}`: what to mind before dialling, writing or sending; on paper without what is sensitive."""
    found = safety(patient)
    return {
        "sentences": found.on_paper if on_paper else [warning.sentence for warning in found.warnings],
        "on_banner": on_banner,
    }


@register.simple_tag
def may_send_letters(patient: Any) -> bool:
    """`{% may_send_letters patient as may_write %}`: whether a letter may be offered."""
    return patient is None or not safety(patient).no_letters


@register.simple_tag
def is_unsafe(patient: Any, point: Any) -> bool:
    """`{% is_unsafe patient point as unsafe %}`: the number or address must not be used for this patient."""
    return safety(patient).is_unsafe_at(point.kind, point.normalized or point.value)


@register.simple_tag
def owner_may_hear(point: Any) -> SafeString | str:
    """`{% owner_may_hear point %}`: nothing for the patient's own number, else what its owner may hear about.

    `point` has owner_name and owner_topics (patients.models.owner_topics): None when nobody of that name is recorded.
    """
    if not point.owner_name:
        return ""
    held = [str(label) for value, label in Topic.choices if value in (point.owner_topics or ())]
    if not held:
        return badge(_("May hear nothing"), "warn")
    return badge(_("May hear: %(topics)s") % {"topics": ", ".join(held)}, "info", "")


@register.simple_tag
def may_hear(person: Any) -> SafeString:
    """`{% may_hear person %}`: badges of the topics, "May hear nothing yet" or "Do not contact".

    `person` is a RelatedPerson, or a row with its `topics` and `do_not_contact`.
    """
    if person.do_not_contact:
        return badge(_("Do not contact"), "danger")
    held = [label for value, label in Topic.choices if value in person.topics]
    if not held:
        return badge(_("May hear nothing yet"), "warn")
    badges = format_html_join(" ", "{}", ((badge(label, "info", ""),) for label in held))
    return format_html('<span class="vh">{}</span> {}', _("May discuss:"), badges)
