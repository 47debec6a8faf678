"""Nothing of a patient's record is deleted: each kind of row can be entered in error on a page, or it says why not."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.urls import Resolver404, resolve, reverse

from coordinator.tests.permission_world import World, one_world
from coordinator.workflow import Change
from patients.models import Patient

RECORD = ("patients", "careplans", "scheduling", "referrals")
KEY = "00000000-0000-0000-0000-000000000001"


def entry(kind: str) -> str:
    return reverse("patients:entry_in_error", args=[kind, KEY])


def standing(kind: str) -> str:
    """Where the standing of an entry is chosen, "entered in error" among it."""
    return reverse("patients:entry_change", args=[kind, KEY])


def plan_step(kind: str) -> str:
    return reverse("careplans:step", args=[kind, KEY, "enter_in_error"])


def money(kind: str) -> str:
    return reverse("referrals:money_act", args=[kind, KEY, "enter_in_error"])


# Model: the page where one of its rows is entered in error, with a reason.
PAGES: dict[str, Any] = {
    "patients.Patient": lambda: reverse("patients:patient_standing", args=[KEY]),
    "patients.ContactPoint": lambda: entry("phone"),
    "patients.RelatedPerson": lambda: entry("family"),
    "patients.CareTeamMember": lambda: entry("team"),
    "patients.Coverage": lambda: entry("coverage"),
    "patients.Encounter": lambda: entry("encounter"),
    "patients.Result": lambda: entry("result"),
    "patients.Immunization": lambda: entry("immunization"),
    "patients.Problem": lambda: standing("problem"),
    "patients.Allergy": lambda: standing("allergy"),
    "patients.Medication": lambda: standing("medicine"),
    "patients.Consent": lambda: standing("consent"),
    "patients.Document": lambda: reverse("patients:document_in_error", args=[KEY]),
    "patients.Note": lambda: reverse("patients:note_in_error", args=[KEY]),
    "patients.ProviderUpdate": lambda: reverse("patients:update_step", args=[KEY, "enter_in_error"]),
    "patients.Reconciliation": lambda: reverse("patients:reconciliation_in_error", args=[KEY]),
    "patients.EligibilityCheck": lambda: reverse("patients:check_in_error", args=[KEY]),
    "careplans.CarePlan": lambda: plan_step("plan"),
    "careplans.Goal": lambda: plan_step("goal"),
    "careplans.Intervention": lambda: plan_step("action"),
    "careplans.Task": lambda: reverse("careplans:task_act", args=[KEY, "enter_in_error"]),
    "careplans.ContactAttempt": lambda: reverse("careplans:contact_in_error", args=[KEY]),
    "scheduling.Appointment": lambda: reverse("scheduling:appointment_step", args=[KEY, "enter_in_error"]),
    "scheduling.WaitlistEntry": lambda: reverse("scheduling:waitlist_step", args=[KEY, "enter_in_error"]),
    "referrals.ReferralAttempt": lambda: reverse("referrals:entry_in_error", args=["attempt", KEY]),
    "referrals.ReferralMessage": lambda: reverse("referrals:entry_in_error", args=["message", KEY]),
    "referrals.Delivery": lambda: reverse("referrals:delivery_act", args=[KEY, "enter_in_error"]),
    "referrals.Referral": lambda: reverse("referrals:referral_step", args=[KEY, "enter_in_error"]),
    "referrals.Denial": lambda: reverse("referrals:denial_in_error", args=[KEY]),
    "referrals.PriorAuthorization": lambda: reverse(
        "referrals:authorization_act", args=[KEY, "enter_in_error"]
    ),
    "referrals.InboundDocument": lambda: reverse("referrals:inbound_step", args=[KEY, "enter_in_error"]),
    "referrals.PayerCall": lambda: reverse("referrals:authorization_row_in_error", args=["call", KEY]),
    "referrals.RequirementCheck": lambda: reverse(
        "referrals:authorization_row_in_error", args=["answer", KEY]
    ),
    "referrals.AidApplication": lambda: money("aid"),
    "referrals.BenefitApplication": lambda: money("benefit"),
    "referrals.Bill": lambda: money("bill"),
    "referrals.Estimate": lambda: money("estimate"),
}
PART = "a part of its record, which is entered in error as a whole"
LATER = "written by an import or the API, and shown on no page that could offer it; its workflow or status has the step"
WITHOUT: dict[str, str] = {
    "patients.PatientIdentifier": "a number that came with an import or a merge; taking a merge apart removes it",
    "patients.ReconciliationLine": PART,
    "patients.DocumentLink": "taken off on the document's page; the document keeps the history",
    "patients.ContactWarning": "ended on its own page; a warning that was wrong has nothing to put right",
    "careplans.StartedBundle": "its tasks are cancelled or entered in error, each with its reason",
    "patients.PossibleDuplicate": "a question about two records; answered by “different people”, with undo",
    "patients.PatientMerge": "taken apart again instead, which brings every row back",
    "patients.AccessGrant": "the account of who opened a record; it must not be taken back",
    "careplans.GoalMeasurement": LATER,
    "referrals.AuthorizationLine": PART,
    "referrals.PeerToPeer": "how it went is recorded once; one that did not take place is an outcome of its own",
    "referrals.Appeal": "filed with proof; a wrong one is withdrawn with the request, by its step",
    "referrals.AppealLetter": "a wrong wording is followed by a new version; every version is kept",
    "referrals.AuthorizationLineVersion": PART,
    "referrals.AuthorizationPaper": "taken off or struck out with a reason on its own page; the document stays",
    "referrals.Award": "money of a fund: what is not paid of it is given back, the ledger keeps both",
    "referrals.Spend": "reversed on its own page, with a line of its own in the ledger",
    "referrals.BillLine": "removed on its own page, and shown as removed",
    "referrals.BillQuestion": PART,
    "referrals.ReferralPacket": "a version of what was made; its document is entered in error, the next version corrects it",
    "scheduling.WaitlistOffer": "answered or taken back on the waitlist; who was asked when must not be lost",
    "referrals.DuplicateAnswer": "the account of what somebody answered; it must not be taken back",
}


def of_a_patient() -> list[type[models.Model]]:
    """Models whose rows belong to a patient, directly or through a row that does; histories are nobody's error."""
    ours = [m for m in apps.get_models() if m._meta.app_label in RECORD and not issubclass(m, Change)]
    found: set[type[models.Model]] = {Patient}
    while True:
        more = {
            model
            for model in ours
            if model not in found
            and any(
                f.is_relation and f.many_to_one and f.related_model in found and _belongs(f)
                for f in model._meta.concrete_fields
            )
        }
        if not more:
            return sorted(found, key=lambda m: m._meta.label)
        found |= more


def _belongs(field: Any) -> bool:
    """The row hangs on the other one, and does not only mention it."""
    return not field.null


def test_every_row_of_a_record_can_be_entered_in_error_or_says_why_not():
    labels = {model._meta.label for model in of_a_patient()} | {"careplans.Task", "referrals.InboundDocument"}
    assert labels - set(PAGES) - set(WITHOUT) == set(), "give these a page, or say in WITHOUT why not"
    assert (set(PAGES) | set(WITHOUT)) - labels == set(), "no such models any more"
    assert set(PAGES) & set(WITHOUT) == set()
    assert all(WITHOUT.values())


def test_a_new_model_would_be_noticed():
    class Wish(models.Model):
        patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")

        class Meta:
            app_label = "patients"
            managed = False

    try:
        assert "patients.Wish" in {model._meta.label for model in of_a_patient()}
    finally:
        del apps.all_models["patients"]["wish"]
        apps.clear_cache()


@pytest.mark.parametrize("label", PAGES)
def test_the_page_is_there(label):
    try:
        resolve(PAGES[label]())
    except Resolver404:
        pytest.fail(f"{label} has no such page")


# --- one of each, through its page ----------------------------------------------------------------------------

KINDS = {
    "contact point": ("patients.ContactPoint", "error_reason"),
    "related person": ("patients.RelatedPerson", "error_reason"),
    "coverage": ("patients.Coverage", "status"),
    "coverage check": ("patients.EligibilityCheck", "status"),
    "note": ("patients.Note", "status"),
    "provider update": ("patients.ProviderUpdate", "status"),
    "reconciliation": ("patients.Reconciliation", "status"),
    "plan": ("careplans.CarePlan", "status"),
    "goal": ("careplans.Goal", "status"),
    "intervention": ("careplans.Intervention", "status"),
    "task": ("careplans.Task", "status"),
    "contact": ("careplans.ContactAttempt", "error_reason"),
    "referral": ("referrals.Referral", "status"),
    "delivery": ("referrals.Delivery", "status"),
    "denial": ("referrals.Denial", "error_reason"),
    "authorization": ("referrals.PriorAuthorization", "status"),
    "payer call": ("referrals.PayerCall", "error_reason"),
    "requirement answer": ("referrals.RequirementCheck", "error_reason"),
    "aid application": ("referrals.AidApplication", "status"),
    "benefit application": ("referrals.BenefitApplication", "status"),
    "bill": ("referrals.Bill", "status"),
    "estimate": ("referrals.Estimate", "status"),
    "incoming paper": ("referrals.InboundDocument", "status"),
    "appointment": ("scheduling.Appointment", "status"),
}


@pytest.fixture
def world(db):
    with one_world() as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_each_is_entered_in_error_with_a_reason(world: World, kind: str):
    label, column = KINDS[kind]
    record = world.thing(kind, world.own)
    where = PAGES[label]().replace(KEY, str(record.pk))
    client = world.client("manager")
    assert client.get(where).status_code == 200
    assert client.post(where, {}).status_code in (409, 422), "a reason is asked for"
    assert client.post(where, {"reason": "Another patient's"}).status_code in (200, 302)
    row = type(record)._base_manager.filter(pk=record.pk).values_list(column, flat=True).get()
    assert row in ("entered_in_error", "Another patient's")
