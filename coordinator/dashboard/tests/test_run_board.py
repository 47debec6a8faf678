"""The run board: who sees it, what its numbers say, what they open, and what can be done there."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.models import Site, User
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.models import JobRun
from coordinator.dashboard.nightly import run_night
from coordinator.dashboard.run_figures import Figures, board, figures, forecast
from coordinator.messaging.models import Message
from coordinator.messaging.tests.factories import make_message
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System
from patients.tests.factories import make_patient, make_phone
from scheduling.models import ReminderWindow
from scheduling.rules.local_time import local_day
from scheduling.services.reminder_settings import save_reminder_days
from scheduling.tests.factories import make_appointment, make_service

pytestmark = pytest.mark.django_db
CHICAGO = ZoneInfo("America/Chicago")
HTMX = {"HTTP_HX_REQUEST": "true"}


def now() -> datetime:
    return timezone.now()


def today() -> date:
    return local_day(now(), "America/Chicago")


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=CHICAGO).astimezone(UTC)


@pytest.fixture
def site() -> Site:
    Site.objects.update(is_active=False)
    place = make_site(name="Riverbend Clinic", short_name="Riverbend")
    make_team(place)
    return place


def reminder(site: Site, status: str = "sent", **fields: Any) -> Message:
    """A reminder of today with its patient and visit."""
    patient = fields.pop("patient", None) or make_patient(site=site)
    visit = make_appointment(patient, start=at(today() + timedelta(days=3), 10))
    fields.setdefault("send_after", at(today(), 10))
    fields.setdefault("body", "Riverbend: Elena, visit Tue Nov 24")
    if status in ("sent", "delivered", "failed", "unknown"):
        fields.setdefault("finished_at", fields["send_after"])
    return make_message(
        site, purpose="visit_reminder", about_id=visit.pk, patient_id=patient.pk, status=status, window="3d", **fields
    )  # fmt: skip


def signed_in(role: str, site: Site) -> Client:
    client = Client()
    client.force_login(make_user(role, site))
    return client


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


BOARD = "/runs/"


def list_url(site: Site, query: str = "") -> str:
    return reverse("dashboard:run_messages", args=[site.pk, today().isoformat()]) + query


# --- who ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["lead", "manager", "administrator"])
def test_who_watches_jobs_sees_the_board(role: str, site: Site) -> None:
    response = signed_in(role, site).get(BOARD)
    assert response.status_code == 200
    assert "Riverbend Clinic" in text(response)


@pytest.mark.parametrize("role", ["coordinator", "provider", "billing", "auditor"])
def test_others_do_not(role: str, site: Site) -> None:
    assert signed_in(role, site).get(BOARD).status_code == 403


def test_a_manager_of_another_site_finds_nothing(site: Site) -> None:
    client = signed_in("manager", make_site())
    assert "Riverbend Clinic" not in text(client.get(BOARD))
    assert client.get(list_url(site)).status_code == 404
    assert client.get(reverse("dashboard:run_forecast", args=[site.pk])).status_code == 404
    assert client.post(reverse("dashboard:run_now", args=[site.pk])).status_code == 404
    assert client.post(reverse("dashboard:reminders_switch", args=[site.pk])).status_code == 404


def test_a_lead_looks_but_does_not_start_or_stop(site: Site) -> None:
    client = signed_in("lead", site)
    assert "Run now" not in text(client.get(BOARD))
    assert client.post(reverse("dashboard:run_now", args=[site.pk])).status_code == 403
    assert client.post(reverse("dashboard:reminders_switch", args=[site.pk])).status_code == 403


# --- what the numbers say -----------------------------------------------------------------------------


def test_each_number_counts_what_its_list_shows(site: Site) -> None:
    for status, number in (("sent", 3), ("delivered", 2), ("failed", 1), ("unknown", 1), ("scheduled", 2)):
        for _ in range(number):
            reminder(site, status)
    Message.objects.filter(status="scheduled").update(send_after=at(today(), 23))
    Message.objects.exclude(status="scheduled").update(send_after=at(today(), 1), finished_at=at(today(), 1))
    reminder(site, "skipped", skip_reason="no_permission")
    reminder(site, "skipped", skip_reason="no_permission")
    reminder(site, "skipped", skip_reason="opted_out")
    reminder(site, "cancelled")
    # At noon: what waits for the evening is late at no hour this test may be run.
    day = figures([site], today(), today(), at(today(), 12))[site.pk, today()]
    assert (day.planned, day.waiting, day.sent, day.delivered) == (9, 2, 5, 2)
    assert (day.failed, day.unknown, day.skipped, day.withdrawn, day.late) == (1, 1, 3, 1, 0)
    assert [(code, n) for code, _words, n in day.reasons] == [("no_permission", 2), ("opted_out", 1)]
    client = signed_in("manager", site)
    for state in ("planned", "waiting", "sent", "delivered", "failed", "unknown", "skipped", "withdrawn"):
        shown = client.get(list_url(site, f"?state={state}")).context["found"]
        assert (len(shown.lines), shown.total) == (getattr(day, state),) * 2
    assert client.get(list_url(site, "?state=skipped&reason=opted_out")).context["found"].total == 1


def test_late_is_planned_late_sent_late_or_still_waiting(site: Site) -> None:
    on_time = at(today(), 1)
    reminder(site, late=True, send_after=on_time)
    reminder(site, send_after=on_time, finished_at=on_time + timedelta(minutes=6))
    reminder(site, send_after=on_time, finished_at=on_time + timedelta(minutes=4))
    reminder(site, "skipped", skip_reason="window_missed", late=True)
    reminder(site, send_after=on_time, finished_at=now(), replay=True)
    assert figures([site], today(), today(), now())[site.pk, today()].late == 2
    waiting = reminder(site, "scheduled", send_after=now() - timedelta(minutes=6))
    assert waiting in Message.objects.late(now())


def test_the_day_of_a_message_is_the_sites_own(site: Site) -> None:
    Site.objects.filter(pk=site.pk).update(zone="Pacific/Honolulu")
    site.refresh_from_db()
    moment = datetime(2026, 11, 18, 5, tzinfo=UTC)  # still Nov 17 in Honolulu
    reminder(site, send_after=moment)
    found = figures([site], date(2026, 11, 10), date(2026, 11, 20), now())
    assert list(found) == [(site.pk, date(2026, 11, 17))]


def test_the_forecast_is_what_the_night_then_does(site: Site) -> None:
    for n in range(4):
        patient = make_patient(site=site)
        if n:
            make_phone(patient, f"+1612555010{n}")
        make_appointment(patient, start=at(today() + timedelta(days=3), 10))
    night: dict[str, Any] = {"site": site, "on": today(), "now": at(today(), 1), "by": System("nightly")}
    foretold = run_night(**night, dry_run=True)
    assert foretold.planned is not None
    expected = forecast(site, today(), foretold.planned, night["now"])
    run_night(**night)
    assert figures([site], today(), today(), night["now"])[site.pk, today()] == expected
    assert (expected.planned, expected.skipped) == (3, 1)


# --- alarms -------------------------------------------------------------------------------------------


def alarms(site: Site, moment: datetime) -> list[str]:
    return board([site], moment)[0].alarms


def test_it_says_when_the_night_did_not_run(site: Site) -> None:
    assert alarms(site, at(today(), 2)) == []
    assert "did not start" in alarms(site, at(today(), 4))[0]
    run_night(site=site, on=today(), now=at(today(), 1), by=System("nightly"))
    assert alarms(site, at(today(), 4)) == []
    JobRun.objects.update(status="failed", error="no_shows: RuntimeError.")
    assert "no_shows" in alarms(site, at(today(), 4))[0]
    JobRun.objects.update(status="running", heartbeat_at=at(today(), 3))
    assert "no sign of life for 1 h" in alarms(site, at(today(), 4))[0]


def test_it_says_when_messages_do_not_go_out(site: Site) -> None:
    JobRun.objects.create(
        job="nightly", period=today(), site=site, status="done", started_at=now(), heartbeat_at=now()
    )
    reminder(site, "scheduled", send_after=now() - timedelta(minutes=8))
    assert alarms(site, now()) == ["Messages are not going out: the oldest is 8 min late."]
    Site.objects.update(reminders_on=False)  # switched off on purpose is no alarm
    assert alarms(site, now()) == []


def test_a_gap_between_nights_that_ran_is_shown(site: Site) -> None:
    for days in (0, 2):
        JobRun.objects.create(
            job="nightly", period=today() - timedelta(days=days), site=site, status="done",
            started_at=now(), heartbeat_at=now(), finished_at=now(),
        )  # fmt: skip
    rows = board([site], max(now(), at(today(), 4)))[0].rows
    assert [row.missing for row in rows] == [False, True, False]


# --- the list -----------------------------------------------------------------------------------------


def test_who_sees_patients_sees_two_identifiers_the_text_and_why(site: Site) -> None:
    patient = make_patient(site=site, family_name="Ramírez", given_name="Elena")
    steps = [["skip", {"reason": "daily_limit"}]]
    reminder(site, patient=patient, explanation=steps)
    client = signed_in("manager", site)
    shown = text(client.get(list_url(site)))
    assert "RAMÍREZ, Elena" in shown
    assert "Mar 14, 1958" in shown
    assert "Riverbend: Elena, visit Tue Nov 24" in shown
    assert "gets another message that day" in shown
    assert AuditEvent.objects.filter(action="view", entity="messaging.message").exists()


def test_an_administrator_sees_states_but_neither_names_nor_texts(site: Site) -> None:
    patient = make_patient(site=site, family_name="Ramírez", given_name="Elena")
    reminder(site, patient=patient, explanation=[["skip", {"reason": "daily_limit"}]])
    shown = client_page = signed_in("administrator", site).get(list_url(site)).content.decode()
    assert "Sent" in shown
    for secret in ("RAMÍREZ", "Ramírez", "Elena", "1958", "Nov 24", "555", str(patient.pk)):
        assert secret not in client_page


def test_a_patient_of_another_site_is_not_named(site: Site) -> None:
    """A visit here, a record there: the list says so instead of showing the name."""
    elsewhere = make_patient(family_name="Kowalski")
    reminder(site, patient=elsewhere)
    assert "KOWALSKI" not in signed_in("manager", site).get(list_url(site)).content.decode()


def test_the_part_is_a_piece_of_the_page(site: Site) -> None:
    for n in range(55):
        reminder(site, send_after=at(today(), 10) + timedelta(seconds=n))
    client = signed_in("manager", site)
    first = client.get(list_url(site))
    assert first.context["found"].total == 55
    following = client.get(first.context["next_url"], **HTMX)
    assert len(following.context["found"].lines) == 5
    assert b"<html" not in following.content
    whole = client.get(first.context["next_url"]).content.decode()
    rows = following.content.decode().split("<template>")[0].strip()
    assert rows in whole
    part = client.get(BOARD, **HTMX).content.decode().strip()
    assert part.startswith('<div class="dash"')
    assert part.split("<form")[0] in client.get(BOARD).content.decode()


@pytest.mark.parametrize("nonsense", ["not-a-date", "2026-13-45", "run"])
def test_a_day_that_does_not_exist_is_not_found(site: Site, nonsense: str) -> None:
    assert signed_in("manager", site).get(f"/runs/{site.pk}/{nonsense}/").status_code in (404, 405)


def test_unknown_filters_and_marks_are_ignored(site: Site) -> None:
    reminder(site)
    client = signed_in("manager", site)
    for query in ("?state=odd", "?reason=odd", "?after=odd", f"?after={site.pk}"):
        assert client.get(list_url(site, query)).context["found"].total == 1


def test_the_number_of_queries_does_not_grow(site: Site) -> None:
    client = signed_in("manager", site)

    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    reminder(site)
    client.get(BOARD)
    few = queries(BOARD), queries(list_url(site))
    for n in range(20):
        reminder(
            site, "skipped", skip_reason="no_address", send_after=at(today() - timedelta(days=n % 5), 10)
        )
    assert (queries(BOARD), queries(list_url(site))) == few
    assert few[0] <= 12
    assert few[1] <= 14


# --- what can be done ---------------------------------------------------------------------------------


def hinted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    given: list[str] = []
    monkeypatch.setattr("coordinator.jobs.nightly_cycle.apply_async", lambda **_: given.append("cycle"))
    return given


def test_run_now_asks_a_worker_in_the_persons_name(
    site: Site, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    given = hinted(monkeypatch)
    client = signed_in("manager", site)
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(reverse("dashboard:run_now", args=[site.pk]))
    assert response.url == BOARD
    row = JobRun.objects.get()
    assert (row.status, row.period, row.started_by.role) == ("requested", today(), "manager")  # type: ignore[union-attr]
    assert given == ["cycle"]
    shown = client.get(BOARD)
    assert "Waiting for a worker" in text(shown)
    assert b'hx-trigger="every 5s"' in shown.content


def test_looking_at_the_forecast_writes_nothing(site: Site) -> None:
    patient = make_patient(site=site)
    make_phone(patient)
    # Today's night is done, so that the forecast is of tomorrow: at nine in the evening today sends nothing more.
    JobRun.objects.create(
        job="nightly", period=today(), site=site, status="done", started_at=now(), heartbeat_at=now()
    )
    make_appointment(patient, start=at(today() + timedelta(days=4), 10))
    response = signed_in("manager", site).get(reverse("dashboard:run_forecast", args=[site.pk]))
    assert response.status_code == 200
    assert not Message.objects.exists()
    assert JobRun.objects.count() == 1
    assert patient.family_name.upper() in response.content.decode()
    unnamed = signed_in("administrator", site).get(reverse("dashboard:run_forecast", args=[site.pk]))
    assert patient.family_name.upper() not in unnamed.content.decode()


def test_reminders_are_stopped_and_started_with_a_way_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    hinted(monkeypatch)
    client = signed_in("manager", site)
    url = reverse("dashboard:reminders_switch", args=[site.pk])
    stopped = client.post(url, {"on": "0"}, follow=True)
    site.refresh_from_db()
    assert not site.reminders_on
    assert "Reminders stopped" in text(stopped)
    undo = reverse("dashboard:reminders_undo", args=[site.pk, "start"])
    assert undo in stopped.content.decode()
    client.post(undo)
    site.refresh_from_db()
    assert site.reminders_on
    assert JobRun.objects.get().status == "requested"  # what was skipped meanwhile may still go
    assert set(AuditEvent.objects.filter(entity="accounts.site").values_list("action", flat=True)) == {
        "stop_reminders",
        "start_reminders",
    }


def test_an_empty_board_says_so() -> None:
    Site.objects.update(is_active=False)
    client = Client()
    client.force_login(make_user("manager", sites=[]))
    assert "No site to show" in text(client.get(BOARD))


def test_figures_of_nothing_are_zero() -> None:
    assert (Figures().planned, Figures().reasons) == (0, [])
    assert figures([], date(2026, 1, 1), date(2026, 1, 2), now()) == {}


# --- how long before ------------------------------------------------------------------------------------

SETTINGS = "/schedule/setup/reminders/"


def days_of(service: Any = None) -> list[int]:
    rows = ReminderWindow.objects.filter(service=service, is_active=True)
    return sorted(rows.values_list("days_before", flat=True), reverse=True)


def test_days_are_set_for_all_and_for_one_service_and_taken_back(site: Site) -> None:
    client, service = signed_in("manager", site), make_service(name="Surgery")
    assert "3 days before, 1 day before" in text(client.get(SETTINGS))
    client.post(SETTINGS, {"service": "", "days": "5, 2 1"})
    client.post(SETTINGS, {"service": str(service.pk), "days": "7"})
    assert (days_of(), days_of(service)) == ([5, 2, 1], [7])
    client.post(SETTINGS, {"service": str(service.pk), "days": ""})
    assert (days_of(service), ReminderWindow.objects.filter(service=service).count()) == ([], 1)
    assert "None" in text(client.get(SETTINGS))
    client.post(reverse("scheduling:reminder_settings_reset", args=[service.pk]))
    assert not ReminderWindow.objects.filter(service=service).exists()


@pytest.mark.parametrize("days", ["soon", "0", "61", "1,2,3,4,5", "-3", "1.5"])
def test_days_that_make_no_sense_are_refused_with_what_was_typed(site: Site, days: str) -> None:
    response = signed_in("manager", site).post(SETTINGS, {"service": "", "days": days})
    assert response.status_code == 422
    assert f'value="{days}"' in response.content.decode()
    assert days_of() == [3, 1]


def test_only_who_manages_settings_sets_days(site: Site) -> None:
    assert signed_in("lead", site).get(SETTINGS).status_code == 403
    assert signed_in("administrator", site).get(SETTINGS).status_code == 200


def test_the_service_refuses_what_the_form_would() -> None:
    from django.core.exceptions import PermissionDenied, ValidationError

    by: Any = System("test")
    for days in ([0], [61], [1, 2, 3, 4, 5]):
        with pytest.raises(ValidationError):
            save_reminder_days(service_id=None, days=days, by=by, now=now())
    with pytest.raises(PermissionDenied):
        save_reminder_days(service_id=None, days=[1], by=User(role="coordinator"), now=now())
