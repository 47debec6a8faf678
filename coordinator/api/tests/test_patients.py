import datetime

import pytest
from django.utils import timezone

from coordinator.api.tests.factories import make_caller
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_practitioner, make_user
from patients.models import ContactPoint, ContactWarning, Patient, PatientIdentifier
from patients.tests.factories import make_patient, make_phone

LIST = "/api/v1/patients/"


def address(patient, rest=""):
    return f"{LIST}{patient.pk}/{rest}"


def test_the_list_holds_the_patients_of_the_clients_sites_only(world):
    found = world.caller.get(LIST).json()
    assert [row["id"] for row in found["results"]] == [str(world.patient.pk)]
    assert found["next"] is None


def test_a_row_of_the_list_is_the_beginning_of_the_detail(world):
    row = world.caller.get(LIST).json()["results"][0]
    detail = world.caller.get(address(world.patient)).json()
    assert row == {name: detail[name] for name in row}


def test_the_list_is_narrowed_by_its_filters(world):
    coordinator = make_user(site=world.site)
    other = make_patient(site=world.site, mrn="AB-77", status="inactive", coordinator=coordinator)
    PatientIdentifier.objects.create(patient=other, kind="MB", value="M-123")
    wanted = str(other.pk)
    later = (timezone.now() + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for query in (
        {"mrn": "ab-77"},
        {"identifier": "m-123"},
        {"status": ["inactive", "transferred"]},
        {"coordinator": coordinator.pk},
    ):
        assert [row["id"] for row in world.caller.get(LIST, query).json()["results"]] == [wanted], query
    assert len(world.caller.get(LIST, {"site": world.site.pk}).json()["results"]) == 2
    assert world.caller.get(LIST, {"site": world.elsewhere.pk}).json()["results"] == []
    assert world.caller.get(LIST, {"updated_since": later}).json()["results"] == []


def test_reading_a_patient_is_in_the_audit_trail(world):
    response = world.caller.get(address(world.patient))
    assert response.status_code == 200
    assert response["ETag"] == f'"{world.patient.version}"'
    assert response["Cache-Control"] == "no-store"
    event = AuditEvent.objects.get(action="view")
    assert (event.patient_id, event.site_id) == (world.patient.pk, world.site.pk)
    assert event.actor_id == world.caller.account.pk
    assert event.details == {"what": "api"}


def test_a_patient_of_another_site_and_a_missing_one_get_the_same_answer(world):
    missing = Patient(site=world.site)
    answers = [world.caller.get(address(patient)) for patient in (world.stranger, missing)]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def test_what_was_refused_is_in_the_audit_trail(world):
    world.caller.get(address(world.stranger))
    event = AuditEvent.objects.get(action="refused")
    assert event.entity_id == str(world.stranger.pk)
    assert event.actor_id == world.caller.account.pk


def test_the_number_of_queries_is_the_same_for_one_patient_and_for_twenty(
    world, django_assert_max_num_queries
):
    world.caller.get(LIST)
    with django_assert_max_num_queries(2) as one:
        world.caller.get(LIST)
    for _n in range(20):
        make_patient(site=world.site)
    with django_assert_max_num_queries(2) as many:
        assert len(world.caller.get(LIST).json()["results"]) == 21
    assert len(one) == len(many)


def test_reading_a_patient_takes_at_most_six_queries(world, django_assert_max_num_queries):
    for last in range(5):
        make_phone(world.patient, f"+1612555014{last}")
    world.caller.get(address(world.patient))
    with django_assert_max_num_queries(6):
        world.caller.get(address(world.patient))


def test_a_patient_is_registered_with_phones_and_gets_a_number(world):
    response = world.caller.post(
        LIST,
        {
            "site": str(world.site.pk),
            "family_name": "Ramírez",
            "given_name": "Elena",
            "birth_date": "1958-03-14",
            "contact_points": [{"kind": "phone", "value": "(612) 555-0143", "use": "mobile"}],
        },
    )
    assert response.status_code == 201, response.json()
    made = Patient.objects.get(pk=response.json()["id"])
    assert response["Location"].endswith(address(made))
    assert (made.created_by, made.site) == (world.caller.account, world.site)
    assert made.mrn
    assert made.contact_points.get().normalized == "+16125550143"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "site"),
        ({"site": "SITE"}, "family_name"),
        ({"site": "ELSEWHERE", "family_name": "A"}, "site"),
        ({"site": "SITE", "family_name": "A", "birth_date": "2999-01-01"}, "birth_date"),
        ({"site": "SITE", "family_name": "A", "birth_date": "14.3.1958"}, "birth_date"),
        ({"site": "SITE", "family_name": "A", "sex": "green"}, "sex"),
        ({"site": "SITE", "family_name": "A" * 121}, "family_name"),
        ({"site": "SITE", "family_name": "A", "status": "deceased"}, "status"),
        ({"site": "SITE", "family_name": "A", "created_by": 1}, "created_by"),
        ({"site": "SITE", "family_name": "A", "time_zone": "Mars"}, "time_zone"),
        ({"site": "SITE", "family_name": "A", "contact_points": [{"kind": "phone", "value": "1"}]}, "value"),
        ({"site": "SITE", "family_name": "A", "contact_points": [{"kind": "fax"}]}, "contact_points.0.kind"),
        ({"site": "SITE", "family_name": "A", "contact_points": [{"x": 1}]}, "contact_points.0.x"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(world, body, field):
    sites = {"SITE": str(world.site.pk), "ELSEWHERE": str(world.elsewhere.pk)}
    given = {
        name: sites.get(value, value) if isinstance(value, str) else value for name, value in body.items()
    }
    before = Patient.objects.count()
    response = world.caller.post(LIST, given)
    assert response.status_code == 400
    assert field in response.json()["fields"], response.json()
    assert Patient.objects.count() == before


def test_a_taken_mrn_is_a_conflict(world):
    body = {"site": str(world.site.pk), "family_name": "A", "mrn": world.stranger.mrn}
    assert world.caller.post(LIST, body).status_code == 409


def test_a_change_touches_only_what_was_sent(world):
    response = world.caller.change(address(world.patient), {"preferred_name": "Lena"}, 1)
    assert response.status_code == 200, response.json()
    assert (response.json()["preferred_name"], response.json()["family_name"]) == ("Lena", "Ramírez")
    assert response["ETag"] == '"2"'


def test_the_site_and_the_coordinator_are_not_changed_by_patch(world):
    for name, value in (("site", str(world.elsewhere.pk)), ("coordinator", 1), ("mrn", "1"), ("version", 9)):
        response = world.caller.change(address(world.patient), {name: value}, 1)
        assert (response.status_code, list(response.json()["fields"])) == (400, [name])


def test_a_provider_of_another_site_is_named_like_a_missing_one(world):
    foreign = make_practitioner(site=world.elsewhere)
    answers = [
        world.caller.change(address(world.patient), {"primary_care": str(key)}, 1)
        for key in (foreign.pk, world.patient.pk)
    ]
    assert [a.status_code for a in answers] == [400, 400]
    assert answers[0].content == answers[1].content
    own = world.caller.change(address(world.patient), {"primary_care": str(world.practitioner.pk)}, 1)
    assert own.json()["primary_care"] == str(world.practitioner.pk)


def test_search_finds_by_name_without_putting_it_into_an_address(world):
    response = world.caller.post(f"{LIST}search/", {"q": "ramirez elena"})
    assert response.status_code == 200
    assert [row["id"] for row in response.json()["results"]] == [str(world.patient.pk)]
    assert world.caller.get(f"{LIST}search/", {"q": "ramirez"}).status_code in (400, 405)


def test_search_needs_only_the_scope_for_reading(world):
    reader = make_caller(world.site, scopes=("patients:read",))
    assert reader.post(f"{LIST}search/", {"q": "ramirez"}).status_code == 200
    assert reader.post(LIST, {}).status_code == 403


def test_contact_points_are_listed_and_added(world):
    where = address(world.patient, "contact-points/")
    made = world.caller.post(where, {"kind": "email", "value": "Elena@Example.test", "ok_to_message": True})
    assert made.status_code == 201, made.json()
    assert made.json()["normalized"] == "elena@example.test"
    assert [row["id"] for row in world.caller.get(where).json()["results"]] == [made.json()["id"]]
    assert world.caller.post(where, {"kind": "email", "value": "elena@example.test"}).status_code == 409


def test_what_safe_contact_forbids_is_not_permitted(world):
    good = make_phone(world.patient, ok_to_leave_voicemail=True)
    make_phone(world.patient, "+16125550199", rank=2, ok_to_leave_voicemail=True)
    wish = ContactWarning.objects.create(
        patient=world.patient, kind="use_only", contact_point=good, text="The partner reads the other one"
    )

    def permitted(rows):
        return {row["value"][-2:]: (row["ok_to_message"], row["ok_to_leave_voicemail"]) for row in rows}

    found = world.caller.get(address(world.patient)).json()
    assert found["contact_warnings"] == [
        {
            "id": str(wish.pk), "kind": "use_only", "contact_point": str(good.pk), "calls_from": None,
            "calls_until": None, "text": "The partner reads the other one", "is_sensitive": False,
        }
    ]  # fmt: skip
    only_good = {"43": (True, True), "99": (False, False)}
    assert permitted(found["contact_points"]) == only_good
    assert (
        permitted(world.caller.get(address(world.patient, "contact-points/")).json()["results"]) == only_good
    )
    ContactWarning.objects.filter(pk=wish.pk).update(is_sensitive=True)
    assert world.caller.get(address(world.patient)).json()["contact_warnings"][0]["text"] == ""
    ContactWarning.objects.filter(pk=wish.pk).update(ended_at=timezone.now())
    found = world.caller.get(address(world.patient)).json()
    assert found["contact_warnings"] == []
    assert permitted(found["contact_points"]) == {"43": (True, True), "99": (True, True)}


def test_contact_points_of_another_sites_patient_are_not_there(world):
    where = address(world.stranger, "contact-points/")
    assert world.caller.get(where).status_code == 404
    assert world.caller.post(where, {"kind": "phone", "value": "(612) 555-0143"}).status_code == 404
    assert not ContactPoint.objects.exists()


def test_steps_change_the_standing_and_say_what_is_possible(world):
    where = address(world.patient, "steps/")
    assert "record_death" in world.caller.get(address(world.patient)).json()["steps"]
    died = world.caller.step(where, {"step": "record_death", "died_on": "2026-01-02"}, 1)
    assert died.status_code == 200, died.json()
    assert (died.json()["status"], died.json()["deceased_on"]) == ("deceased", "2026-01-02")
    again = world.caller.step(where, {"step": "record_death", "died_on": "2026-01-02"}, 2)
    assert (again.status_code, again.json()["code"]) == (409, "not_allowed")
    assert world.caller.step(where, {"step": "reactivate", "reason": "Mistaken"}, 2).status_code == 200


def test_a_patient_entered_in_error_leaves_every_list(world):
    where = address(world.patient, "steps/")
    gone = world.caller.step(where, {"step": "enter_in_error", "reason": "Test entry"}, 1)
    assert (gone.status_code, gone.content) == (204, b"")
    assert world.caller.get(address(world.patient)).status_code == 404


def test_a_colleague_becomes_the_coordinator_but_not_a_stranger(world):
    where = address(world.patient, "steps/")
    stranger, colleague = make_user(site=world.elsewhere), make_user(site=world.site)
    refused = [
        world.caller.step(where, {"step": "assign_coordinator", "coordinator": key}, 1)
        for key in (stranger.pk, 2**40)
    ]
    assert [r.status_code for r in refused] == [400, 400]
    assert refused[0].content == refused[1].content
    done = world.caller.step(where, {"step": "assign_coordinator", "coordinator": colleague.pk}, 1)
    assert done.json()["coordinator"] == colleague.pk


@pytest.mark.parametrize(
    "body", [{}, {"step": "vanish"}, {"step": 3}, {"step": ["transfer"]}, [], "transfer", None]
)
def test_an_unknown_step_is_answered_with_the_ones_there_are(world, body):
    response = world.caller.step(address(world.patient, "steps/"), body, 1)
    assert response.status_code == 400
    assert "inactivate" in str(response.json())
