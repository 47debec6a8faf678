import pytest

from careplans.tests.factories import make_task
from coordinator.api.paging import make_cursor
from coordinator.tests.factories import make_user
from patients.tests.factories import make_patient

PATIENTS, TASKS = "/api/v1/patients/", "/api/v1/tasks/"


def walk(caller, path, between=lambda: None):
    """Every id of a list, page by page; `between` runs after each page."""
    found, where, turns = [], path, 0
    while where:
        page = caller.get(where).json()
        found += [row["id"] for row in page["results"]]
        where, turns = page["next"], turns + 1
        assert turns < 50
        between()
    return found


def test_pages_hold_every_row_once(world):
    made = [str(make_patient(site=world.site).pk) for _n in range(10)]
    assert walk(world.caller, f"{PATIENTS}?limit=3") == [*reversed(made), str(world.patient.pk)]


def test_rows_that_arrive_meanwhile_neither_shift_nor_double_a_page(world):
    made = [str(make_patient(site=world.site).pk) for _n in range(9)]
    found = walk(world.caller, f"{PATIENTS}?limit=2", between=lambda: make_patient(site=world.site))
    assert found == [*reversed(made), str(world.patient.pk)]


def test_rows_with_and_without_a_date_are_paged_in_one_order(world):
    owner = make_user(site=world.site)
    days = [None, "2026-11-18T10:00Z", "2026-11-18T10:00Z", None, "2026-11-17T10:00Z", None]
    for day in days:
        make_task(world.patient, owner=owner, due_at=day)
    whole = [row["id"] for row in world.caller.get(TASKS).json()["results"]]
    assert len(whole) == 6
    for limit in (1, 2, 3, 5, 6):
        assert walk(world.caller, f"{TASKS}?limit={limit}") == whole


def test_the_filters_stay_on_every_page(world):
    for _n in range(4):
        make_patient(site=world.site, status="inactive")
    assert len(walk(world.caller, f"{PATIENTS}?limit=1&status=inactive")) == 4


def test_the_cursor_holds_a_key_and_nothing_about_the_patient(world):
    make_patient(site=world.site)
    address = world.caller.get(f"{PATIENTS}?limit=1").json()["next"]
    assert world.patient.family_name not in address
    assert address.startswith("http://testserver/api/v1/patients/?")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "", "1e2", "٣", "9" * 400, "1.5"])
def test_a_wrong_limit_is_named(world, limit):
    refused = world.caller.get(PATIENTS, {"limit": limit})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["limit"])


@pytest.mark.parametrize(
    "cursor", ["", "x", "%00", "é", "a" * 5000, "bm90IGEga2V5", "4pyT", "====", "AAAA\x00"]
)
def test_a_wrong_cursor_is_named(world, cursor):
    for path in (PATIENTS, TASKS, "/api/v1/staff/"):
        refused = world.caller.get(path, {"cursor": cursor})
        assert (refused.status_code, list(refused.json()["fields"])) == (400, ["cursor"])


def test_a_cursor_made_of_another_sites_row_says_nothing_about_it(world):
    foreign = make_task(world.stranger)
    answers = [world.caller.get(TASKS, {"cursor": make_cursor(key)}) for key in (foreign.pk, world.site.pk)]
    assert [a.status_code for a in answers] == [400, 400]
    assert answers[0].content == answers[1].content


def test_lists_of_the_directory_are_paged_too(world):
    for _n in range(5):
        make_user(site=world.site)
    assert len(set(walk(world.caller, "/api/v1/staff/?limit=2"))) == 5
