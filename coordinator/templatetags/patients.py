"""The rows of the patient list. Python instead of a template: a page holds fifty of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django import template
from django.urls import reverse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from coordinator.templatetags.ui import badge, patient_line
from coordinator.wording import day, day_time

register = template.Library()
NOBODY = UUID(int=0)


@register.simple_tag
def patient_rows(patients: Iterable[Any], tiers: Iterable[tuple[int, Any]]) -> SafeString:
    """`{% patient_rows listing.rows tiers %}`: patients with next_visit_at, open_tasks and last_contact_at.

    `tiers` are the choices; get_tier_display would translate every one of them for every row.
    """
    words = {value: conditional_escape(label) for value, label in tiers}
    start, _pk, end = reverse("dashboard:patient_summary", args=[NOBODY]).partition(str(NOBODY))
    rows = (_row(patient, f"{start}{patient.pk}{end}", words) for patient in patients)
    return mark_safe("".join(rows))  # noqa: S308 - every text is escaped where it is put in


def _row(patient: Any, href: str, tiers: Mapping[int, str]) -> str:
    name: str = patient_line(patient, href=href, row_id=f"p-{patient.pk.hex}")
    if patient.status != "active":
        name += f" {badge(patient.get_status_display())}"
    coordinator, visit, contact = patient.coordinator, patient.next_visit_at, patient.last_contact_at
    tier = tiers.get(patient.tier, conditional_escape(patient.tier))
    cells = (
        f"<td>{name}</td>",
        f'<td class="id hide-s">{conditional_escape(patient.mrn)}</td>',
        _cell("nowrap hide-s", coordinator and str(coordinator), _("Nobody")),
        f'<td class="hide-s">{badge(tier, "warn") if patient.tier > 2 else _meta(tier)}</td>',
        _cell("nowrap", day_time(visit), _("None booked")),
        f'<td class="num">{patient.open_tasks}</td>',
        _cell("nowrap hide-s", day(contact), _("None yet")),
    )
    return f"\n<tr data-row>{''.join(cells)}</tr>"


def _cell(cls: str, text: str | None, otherwise: str) -> str:
    return f'<td class="{cls}">{conditional_escape(text) if text else _meta(otherwise)}</td>'


def _meta(text: str) -> str:
    return f'<span class="meta">{conditional_escape(text)}</span>'
