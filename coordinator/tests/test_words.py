"""The Spanish catalogue: what the checker finds, and pages that are in Spanish from the first word to the last date."""

from __future__ import annotations

import importlib.util
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Message
from django.conf import settings
from django.test import Client
from django.utils import translation

from coordinator import wording
from coordinator.clocks import wording as clock_wording
from coordinator.tests.factories import make_site, make_user


@pytest.fixture(scope="module")
def words() -> Any:
    path = Path(settings.BASE_DIR) / "bin" / "lib" / "words.py"
    spec = importlib.util.spec_from_file_location("words", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("source", "translated", "fault"),
    [
        ("Save", "", "has no translation"),
        ("Due %(when)s", "Vence %(cuando)s", "placeholders"),
        ("%(n)s of {total}", "%(n)s", "placeholders"),
        ("<b>Late</b>", "Atrasado", "placeholders or tags"),
        ("Two\n", "Dos", "line break"),
        (("%(n)s task", "%(n)s tasks"), ("%(n)s tarea", ""), "has no translation"),
    ],
)
def test_a_faulty_translation_is_named(words: Any, source: Any, translated: Any, fault: str) -> None:
    assert any(fault in said for said in words.faults(Message(source, translated)))


@pytest.mark.parametrize(
    ("source", "translated"),
    [
        ("Due %(when)s", "Vence el %(when)s"),
        (("One task", "%(n)s tasks"), ("Una tarea", "%(n)s tareas")),
        (("%(n)s task", "%(n)s tasks"), ("Una tarea: %(n)s", "%(n)s tareas")),
    ],
)
def test_a_sound_translation_passes(words: Any, source: Any, translated: Any) -> None:
    assert list(words.faults(Message(source, translated))) == []


def test_templates_and_code_are_both_gathered(words: Any) -> None:
    found = words.template()
    by_suffix = {Path(name).suffix for message in found for name, _line in message.locations}
    assert by_suffix >= {".py", ".html"}
    assert found.get("Open", "key")
    assert found.get("Open", "slot")


def test_months_and_days_keep_their_names() -> None:
    """A catalogue of ours may not take a word of Django's calendar for something else."""
    with translation.override("es"):
        names = [wording.day(date(2026, month, 1)).split()[1] for month in range(1, 13)]
        spoken = wording.week_day(date(2026, 5, 4))
    assert names == ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"]
    assert spoken.lower() == "lun, 4 may 2026"


def test_a_deadline_is_told_day_before_month_and_by_24_hours() -> None:
    moment = datetime(2026, 11, 18, 21, 5, tzinfo=UTC)
    with translation.override("es"):
        assert clock_wording.moment(moment, "America/Chicago").lower() == "mié, 18 nov 2026, 15:05 cst"
        assert clock_wording.day(date(2026, 11, 26)).lower() == "jue 26 nov"
        assert wording.hour_words(20) == "20:00"
    assert clock_wording.moment(moment, "America/Chicago") == "Wed, Nov 18, 2026, 3:05 PM CST"
    assert [wording.hour_words(hour) for hour in (0, 9, 12, 20, 24)] == [
        "12:00 AM", "9:00 AM", "12:00 PM", "8:00 PM", "12:00 AM",
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_page_is_in_the_language_of_who_reads_it() -> None:
    client = Client()
    user = make_user("coordinator", make_site())
    client.force_login(user)
    assert "My work" in client.get("/").content.decode()
    user.language = "es"
    user.save()
    client.force_login(user)
    page = client.get("/").content.decode()
    assert '<html lang="es"' in page
    assert "Mi trabajo" in page
    assert "My work" not in page
