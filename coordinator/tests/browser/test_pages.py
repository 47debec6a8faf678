"""Every main page in a real browser: light and dark, wide and tablet, no accessibility violation."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from careplans.models import Bundle
from coordinator.accounts.models import User
from coordinator.tests.browser.conftest import credentials, photograph, violations
from patients.models import AccessGrant, Patient, PatientMerge, PossibleDuplicate
from patients.services import merge_patients
from patients.tests.factories import make_grant, restrict

PAGES = [
    ("sign-in", "", "/accounts/login/"),
    ("my-work", "coordinator", "/"),
    ("patients", "coordinator", "/patients/"),
    ("patient", "coordinator", "/patients/{patient}/"),
    ("details", "coordinator", "/patients/{patient}/details/"),
    ("consent", "coordinator", "/patients/{patient}/add/consent/"),
    ("duplicates", "lead", "/patients/duplicates/"),
    ("duplicate-apart", "lead", "/patients/duplicates/{pair}/apart/"),
    ("duplicate-merge", "lead", "/patients/duplicates/{pair}/merge/"),
    ("duplicate-merged", "lead", "/patients/duplicates/merged/?{merge}"),
    ("duplicate-take-apart", "lead", "/patients/duplicates/merged/{merge}/apart/"),
    ("restriction", "lead", "/patients/{patient}/restriction/"),
    ("emergency-access", "coordinator", "/patients/restricted/"),
    ("under-emergency-access", "coordinator", "/patients/{opened}/"),
    ("access-reviews", "manager", "/access/{opened}"),
    ("access-review", "manager", "/access/{grant}/"),
    ("saved-views", "coordinator", "/work/views/"),
    ("new-task", "coordinator", "/plans/tasks/new/"),
    ("transfer", "manager", "/team/transfer/"),
    ("reasons", "manager", "/plans/setup/reasons/"),
    ("bundles", "manager", "/plans/setup/bundles/"),
    ("start-bundle", "coordinator", "/plans/bundles/for/{patient}/?bundle={bundle}&anchor_on=2026-11-25"),
    ("schedule", "coordinator", "/schedule/"),
    ("referrals", "coordinator", "/referrals/"),
    ("team", "manager", "/team/"),
    ("runs", "manager", "/runs/"),
    ("imports", "administrator", "/imports/"),
    ("audit", "auditor", "/audit/"),
]


# What everybody has open all day is looked at in every way, a form behind it in three.
DAILY = {
    "sign-in",
    "my-work",
    "patients",
    "patient",
    "schedule",
    "referrals",
    "team",
    "runs",
    "imports",
    "audit",
}
LOOKS = [
    ("en", 1440, 900, "light"),
    ("en", 820, 1180, "dark"),
    ("es", 1280, 900, "light"),
]
MORE_LOOKS = [
    ("en", 1440, 900, "dark"),
    ("en", 820, 1180, "light"),
    ("en", 390, 844, "light"),
]


def merge_a_pair() -> PatientMerge:
    pair = PossibleDuplicate.objects.earliest("points")
    return merge_patients(
        survivor_id=pair.one_id,
        other_id=pair.two_id,
        choices={},
        reason="Called: one person",
        by=User.objects.filter(role="lead").first(),
        now=timezone.now(),
    )


def read_in(page: Page, language: str) -> None:
    if (page.locator("html").get_attribute("lang") or "").startswith(language):
        return
    User.objects.update(language=language)
    page.set_extra_http_headers({"Accept-Language": language})
    page.reload()
    page.wait_for_load_state("networkidle")
    assert page.locator("html").get_attribute("lang") == language


def opened_in_an_emergency() -> AccessGrant:
    """A restricted record that the coordinator of the demo opened just now."""
    patient = Patient.objects.get(family_name="Alvarez", given_name="Maria")
    manager = User.objects.filter(role="manager", sites=patient.site).first()
    coordinator = User.objects.get(email=credentials("coordinator")[0])
    restrict(patient, manager, coordinator=manager)
    return make_grant(patient, coordinator)


@pytest.mark.parametrize(("name", "role", "address"), PAGES, ids=[name for name, _role, _address in PAGES])
def test_the_page_has_no_accessibility_violation_and_never_scrolls_sideways(open_page, name, role, address):
    page = open_page(role)
    if "{patient}" in address:
        maria = Patient.objects.get(family_name="Alvarez", given_name="Maria")
        address = address.format(patient=maria.pk, bundle=Bundle.objects.get(name="After discharge").pk)
    if "{pair}" in address:
        address = address.format(pair=PossibleDuplicate.objects.latest("points").pk)
    if "{merge}" in address:
        address = address.format(merge=merge_a_pair().pk)
    if "{opened}" in address or "{grant}" in address:
        grant = opened_in_an_emergency()
        address = address.format(opened="" if role == "manager" else grant.patient_id, grant=grant.pk)
    answer = page.goto(address)
    assert answer.status == 200
    page.wait_for_load_state("networkidle")
    assert page.locator("h1").count() == 1
    found = []
    for language, width, height, scheme in (MORE_LOOKS if name in DAILY else []) + LOOKS:
        read_in(page, language)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        photograph(
            page, f"{name}-{width}-{scheme}" if language == "en" else f"{name}-{width}-{scheme}-{language}"
        )
        found += [f"{language} {width} {scheme}: {line}" for line in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{language} {width} {scheme}: scrolls sideways")
    assert found == []
