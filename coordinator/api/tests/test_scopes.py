"""Every call x every scope, from one rule: the resource's read or write scope opens it, nothing else does."""

import pytest

from coordinator.accounts.roles import PERMISSIONS, Role
from coordinator.api.models import ApiClient
from coordinator.api.permissions import SCOPES, scope_of
from coordinator.api.tests.routes import CALLS, key_for, make_one_of_each

# What each call needs, written down: a new call without a line fails.
NEEDS = {
    "appointment": "visits", "appointment_steps": "visits", "appointments": "visits", "care_plan": "plans",
    "care_plan_steps": "plans", "care_plans": "plans", "close_reasons": "", "contact_points": "patients", "contacts": "tasks",
    "document": "documents", "document_file": "documents", "document_steps": "documents", "documents": "documents",
    "free_times": "visits", "goal": "plans", "goal_steps": "plans", "goals": "plans", "intervention": "plans",
    "intervention_steps": "plans", "interventions": "plans", "measurements": "plans", "organizations": "",
    "patient": "patients", "patient_record": "patients", "patient_search": "patients", "patient_steps": "patients", "patients": "patients",
    "practitioners": "", "referral": "referrals", "referral_facts": "referrals", "referral_steps": "referrals",
    "referrals": "referrals", "rooms": "", "root": "", "services": "", "sites": "", "staff": "", "task": "tasks",
    "task_steps": "tasks", "tasks": "tasks", "teams": "", "clock_rules": "",
    **dict.fromkeys(
        (
            "authorizations", "authorization", "authorization_steps", "authorization_pas", "authorization_278", "denials",
            "denial", "denial_steps", "duplicate_check", "duplicate_answers", "board", "incoming_papers", "incoming_paper",
            "incoming_paper_steps", "incoming_paper_file", "payer_files", "payer_file", "payer_file_steps",
            "payer_file_file", "funds", "aid_applications", "aid_application", "aid_application_steps",
            "benefit_applications", "benefit_application", "benefit_application_steps", "bills", "bill", "bill_steps",
            "estimates", "estimate", "estimate_steps", "referral_sending", "referral_packets", "deliveries", "delivery",
            "delivery_steps", "practices", "practice", "referral_recipients", "payers",
        ),
        "referrals",
    ),
    **dict.fromkeys(
        (
            "waitlist_entries", "waitlist_entry", "waitlist_entry_steps", "waitlist_offers", "waitlist_offer",
            "waitlist_offer_steps", "waitlist_times", "away_times", "away_time", "away_time_moves", "away_time_back",
            "no_shows",
        ),
        "visits",
    ),
    **dict.fromkeys(
        ("payer_report_card", "figures_loops", "figures_requests", "figures_open_requests", "figures_payers"),
        "figures",
    ),
}  # fmt: skip
OF_NO_SITE = {"practice", "payer_report_card"}
READS_BY_POST = {"patient_search", "duplicate_check"}


def needed(call):
    if not NEEDS[call.name]:
        return ""
    reads = call.method == "get" or call.name in READS_BY_POST
    return f"{NEEDS[call.name]}:{'read' if reads else 'write'}"


def test_every_call_has_a_line():
    assert {call.name for call in CALLS} == set(NEEDS)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_call_opens_with_its_own_scope_only(world, call):
    records = make_one_of_each(world.patient)
    for scope in ("", *SCOPES):
        ApiClient.objects.filter(pk=world.caller.record.pk).update(scopes=[scope] if scope else [])
        response = getattr(world.caller, call.method)(call.path(key_for(call, records)))
        let_in = response.status_code != 403
        assert let_in == (needed(call) in ("", scope)), f"{scope}: {response.status_code}"
        assert response.status_code < 500
        if not let_in:
            assert needed(call) in response.json()["detail"]


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_without_a_token_nothing_opens(db, client, call):
    import uuid

    response = getattr(client, call.method)(call.path(uuid.uuid4()))
    assert response.status_code == 401
    assert response["WWW-Authenticate"]


@pytest.mark.parametrize("call", [c for c in CALLS if c.has_key and c.name not in OF_NO_SITE], ids=str)
def test_a_record_of_another_site_answers_like_a_missing_one(world, call):
    import uuid

    foreign = make_one_of_each(world.stranger)
    answers = [
        getattr(world.caller, call.method)(call.path(key), headers={"If-Match": '"1"'})
        for key in (key_for(call, foreign), uuid.uuid4())
    ]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def test_a_scope_does_not_widen_the_role(world, monkeypatch):
    monkeypatch.setitem(PERMISSIONS, Role.API_CLIENT, frozenset({"tasks.view"}))
    assert world.caller.get("/api/v1/tasks/").status_code == 200
    assert world.caller.get("/api/v1/patients/").status_code == 403


def test_every_scope_stands_for_a_permission_of_the_role():
    assert set(SCOPES.values()) <= PERMISSIONS[Role.API_CLIENT]


def test_every_write_can_be_sent_again_and_every_change_of_a_record_is_conditional():
    for call in CALLS:
        if call.method == "get" or call.name in READS_BY_POST:
            continue
        assert getattr(call.handler, "idempotent", False), call
        changes = call.method == "patch" or call.name.endswith(("_steps", "_facts"))
        assert getattr(call.handler, "conditional", False) == changes, call


def test_the_scope_of_a_view_is_the_one_written_down():
    for call in CALLS:
        assert scope_of(call.view, call.method.upper()) == needed(call), call


@pytest.mark.parametrize("method", ["put", "delete", "options", "trace"])
def test_other_methods_are_not_there(world, method):
    response = world.caller.generic(method.upper(), "/api/v1/tasks/")
    assert response.status_code == 405
    assert "GET" in response["Allow"]
