"""Hostile and very long text on the pages of every day: nothing runs, nothing leaves its place, search still finds."""

from __future__ import annotations

import pytest
from django.utils import timezone

from careplans.services import open_task
from coordinator.accounts.models import User
from coordinator.tests.browser.conftest import credentials, photograph, violations
from patients.models import Patient
from patients.services import add_note, add_related_person, update_patient
from patients.tests.factories import make_phone

NAMES = {
    "right-to-left": ("\u202eגולן\u202c", "מרים بنت عبد الله"),
    "script": ("<script>document.title='broken'</script>", '"><img src=x onerror=alert(1)>'),
    "long": ("W" * 78, "Pneumonoultramicroscopicsilicovolcanoconiosis " + "x" * 30),
    "stacked": ("Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮" * 3, "😀👨‍👩‍👧‍👦 🏴"),
}
ADDRESSES = ("/", "/patients/", "/patients/{key}/", "/patients/{key}/details/", "/patients/{key}/notes/", "/patients/{key}/edit/")  # fmt: skip


def make_strange(family: str, given: str) -> Patient:
    """A patient of the demo's coordinator under another name, with that text in everything people type."""
    dana = User.objects.get(email=credentials("coordinator")[0])
    patient = Patient.objects.get(family_name="Alvarez", given_name="Maria")
    common = {"by": dana, "now": timezone.now()}
    update_patient(
        patient_id=patient.pk, version=patient.version, family_name=family, given_name=given, **common
    )
    add_note(patient_id=patient.pk, body=f"{family} {given}", **common)
    add_related_person(
        patient_id=patient.pk, name=given[:160], relationship=family[:60], phone="", topics=[], **common
    )
    make_phone(patient, "(612) 555-0199")
    patient.refresh_from_db()
    open_task(
        patient=patient,
        site=patient.site,
        kind="outreach_call",
        title=family,
        reason=given,
        owner=dana,
        **common,
    )
    return patient


@pytest.mark.parametrize("kind", NAMES)
def test_strange_text_stays_in_its_place(open_page, kind):
    page = open_page("coordinator")
    patient = make_strange(*NAMES[kind])
    found = []
    for address in ADDRESSES:
        page.goto(address.format(key=patient.pk))
        page.wait_for_load_state("networkidle")
        for width in (1280, 820):
            page.set_viewport_size({"width": width, "height": 900})
            photograph(page, f"strange-{kind}-{ADDRESSES.index(address)}-{width}")
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found.append(f"{address} {width}: scrolls sideways")
        found += [f"{address}: {line}" for line in violations(page)]
        assert "Throughline" in page.title()
    assert found == []
    page.keyboard.press("Control+k")
    page.keyboard.type("0199")
    page.locator("#palette [role=option]", has_text="May 9, 1959").first.wait_for()
