"""The directory through the API: searched and read, and recipients ranked for a referral as on its page."""

import pytest
from django.utils import timezone

from coordinator.api.tests.factories import make_caller
from coordinator.api.tests.test_paging import walk
from coordinator.api.tests.test_schema import call_named, check
from patients.models import Coverage, Patient
from referrals.models import Practice, Referral
from referrals.tests.directory_factories import make_clinician, make_network, make_practice
from referrals.tests.factories import make_referral

LIST = "/api/v1/practices/"


@pytest.fixture
def lakes(db):
    made = make_practice(
        name="Lakes Heart", specialties=["Cardiology"], languages=["en", "es"], accepting="new", city="Edina",
        postal_code="55401", fax="+16125550142",
    )  # fmt: skip
    make_network(made, payer_name="HealthNorth")
    make_clinician(made, name="Anders Lindqvist, MD")
    return made


@pytest.mark.parametrize(
    "query",
    [
        {"q": "lakes"},
        {"q": "lindqvist edina"},
        {"specialty": "Cardiology"},
        {"language": "es"},
        {"network": "healthnorth"},
        {"accepting": "new"},
        {"postal_code": "554"},
        {"kind": "practice"},
        {"state": "due"},
    ],
    ids=str,
)
def test_the_directory_is_searched_like_its_page(world, lakes, query):
    make_practice(
        name="Food shelf", kind="community", specialties=["Food"], postal_code="10001",
        reviewed_on=timezone.localdate(),
    )  # fmt: skip
    make_practice(name="Old lakes", retired_at=timezone.now())
    assert [row["id"] for row in world.caller.get(LIST, query).json()["results"]] == [str(lakes.pk)]


def test_it_is_paged_by_name_and_an_entry_says_what_hangs_on_it(world, lakes, django_assert_num_queries):
    for name in ("Arbor Clinic", "Same", "Same", "Zumbro"):
        make_practice(name=name)
    by_name = [str(pk) for pk in Practice.objects.order_by("name", "id").values_list("pk", flat=True)]
    assert walk(world.caller, f"{LIST}?limit=2") == by_name
    with django_assert_num_queries(2):
        world.caller.get(LIST)
    read = world.caller.get(f"{LIST}{lakes.pk}/")
    check(read, call_named("practice"))
    found = read.json()
    assert (found["networks"][0]["payer_name"], found["clinicians"][0]["name"]) == (
        "HealthNorth",
        "Anders Lindqvist, MD",
    )
    assert (found["figures"]["sent"], found["figures"]["accepted"]) == (0, {"value": None, "n": 0})


def test_recipients_are_ranked_with_reasons_and_one_is_chosen(world, lakes):
    make_practice(name="Aspen Dental", specialties=["Dentistry"])
    Coverage.objects.create(patient=world.patient, payer_name="HealthNorth", status="active")
    ended = make_referral(
        world.patient, status="declined", recipient_organization=make_practice(name="Full House").organization
    )
    body = {
        "patient": str(world.patient.pk), "specialty": "Cardiology", "reason": "Swelling",
        "practice": str(lakes.pk), "refers_elsewhere": str(ended.pk),
    }  # fmt: skip
    made = world.caller.post("/api/v1/referrals/", body)
    assert made.status_code == 201, made.json()
    kept = {name: made.json()[name] for name in ("practice", "recipient_name", "recipient_fax")}
    assert kept == {
        "practice": str(lakes.pk),
        "recipient_name": "Lakes Heart",
        "recipient_fax": "+16125550142",
    }
    answer = world.caller.get(f"/api/v1/referrals/{made.json()['id']}/recipients/")
    check(answer, call_named("referral_recipients"))
    found = answer.json()
    first = found["results"][0]
    assert (first["name"], first["is_chosen"], found["more"]) == ("Lakes Heart", True, 0)
    assert first["score"] == sum(reason["points"] for reason in first["reasons"])
    said = {row["name"]: {r["factor"]: r["points"] for r in row["reasons"]} for row in found["results"]}
    assert (said["Lakes Heart"]["network"], said["Aspen Dental"]["specialty"]) == (30, -40)
    assert said["Full House"]["asked"] == -20
    narrowed = world.caller.get(
        f"/api/v1/referrals/{made.json()['id']}/recipients/", {"q": "dental", "specialty": "Dentistry"}
    )
    assert [row["name"] for row in narrowed.json()["results"]] == ["Aspen Dental", "Lakes Heart"]


def test_the_ranking_says_nothing_of_the_patient_to_a_token_that_may_not_read_patients(world, lakes):
    Patient.objects.filter(pk=world.patient.pk).update(
        language="es", postal_code="55401", city="Edina", state="MN"
    )
    Coverage.objects.create(patient=world.patient, payer_name="HealthNorth", status="active")
    where = f"/api/v1/referrals/{make_referral(world.patient, specialty='Cardiology').pk}/recipients/"

    def said(caller):
        return {reason["factor"] for reason in caller.get(where).json()["results"][0]["reasons"]}

    whole, narrow = said(world.caller), said(make_caller(world.site, scopes=("referrals:read",)))
    assert whole - narrow == {"network", "language", "distance"}
    assert "specialty" in narrow


def test_an_entry_that_is_retired_is_not_chosen(world, lakes):
    Practice.objects.filter(pk=lakes.pk).update(retired_at=timezone.now())
    body = {"patient": str(world.patient.pk), "specialty": "x", "reason": "x", "practice": str(lakes.pk)}
    refused = world.caller.post("/api/v1/referrals/", body)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["practice"])
    assert not Referral.objects.exists()
