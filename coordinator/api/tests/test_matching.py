import pytest

from patients.models import Patient

LIST = "/api/v1/patients/"


@pytest.fixture
def where(world):
    return f"{LIST}{world.patient.pk}/"


def send(world, where, header):
    headers = {} if header is None else {"If-Match": header}
    return world.caller.patch(where, {"preferred_name": "Lena"}, headers=headers)


@pytest.mark.parametrize("header", [None, "", " ", "*"])
def test_without_a_version_nothing_is_changed(world, where, header):
    refused = send(world, where, header)
    assert (refused.status_code, refused.json()["code"]) == (428, "if_match_required")


@pytest.mark.parametrize("header", ['"2"', '"0"', "1", 'W/"1"', '"1" x', '"99999999999999"', "é", '"x", "y"'])
def test_another_version_is_refused_with_the_present_one(world, where, header):
    refused = send(world, where, header)
    assert (refused.status_code, refused.json()["code"]) == (412, "stale")
    assert (refused["ETag"], refused.json()["version"]) == ('"1"', 1)
    assert Patient.objects.get(pk=world.patient.pk).preferred_name == ""


@pytest.mark.parametrize("header", ['"1"', ' "1" ', '"7", "1"'])
def test_the_version_that_was_read_is_accepted(world, where, header):
    assert send(world, where, header).status_code == 200


def test_of_two_who_read_the_same_version_only_the_first_saves(world, where):
    version = world.caller.get(where)["ETag"]
    assert (
        world.caller.patch(where, {"preferred_name": "A"}, headers={"If-Match": version}).status_code == 200
    )
    assert (
        world.caller.patch(where, {"preferred_name": "B"}, headers={"If-Match": version}).status_code == 412
    )
    assert Patient.objects.get(pk=world.patient.pk).preferred_name == "A"


def test_what_is_not_there_needs_no_version(world):
    assert world.caller.patch(f"{LIST}{world.stranger.pk}/", {}).status_code == 404
