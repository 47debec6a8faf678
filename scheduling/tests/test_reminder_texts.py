"""What a reminder says, how long it is, and what it can never say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.messaging.segments import length, plain
from scheduling.rules.reminder_texts import Sender, every_template, notice, problems, reminder

SENDER = Sender("Riverbend Clinic", "Riverbend", "+16125550100")
START = datetime(2026, 11, 24, 16, 30, tzinfo=UTC)
LONG = Sender(
    "The Greater Minneapolis and Saint Paul Community Care Cooperative", "Twin Cities Care", "+16125550100"
)


def text(**fields: object) -> str:
    facts: dict[str, object] = {
        "channel": "sms",
        "language": "en",
        "sender": SENDER,
        "first_name": "Elena",
        "starts": [START],
        "zone": "America/Chicago",
    }
    return reminder(**(facts | fields)).body  # type: ignore[arg-type]


def test_the_text_names_practice_first_name_time_phone_and_the_way_out() -> None:
    assert text() == (
        "Riverbend Clinic: Elena, visit Tue Nov 24 10:30 AM. C=confirm R=rebook or call (612) 555-0100. STOP=opt out"
    )


def test_in_spanish_with_letters_that_fit_one_message() -> None:
    said = text(language="es-MX", first_name="José")
    assert said == (
        "Riverbend Clinic: José, cita mar 24 nov 10:30. C=confirmar R=otra fecha o llame al (612) 555-0100."
        " STOP=no recibir"
    )
    assert length(said).gsm


def test_a_language_without_reviewed_wording_gets_english() -> None:
    assert (
        reminder(
            channel="sms",
            language="hmn",
            sender=SENDER,
            first_name="Pa",
            starts=[START],
            zone="America/Chicago",
        ).language
        == "en"
    )


def test_a_visit_with_a_day_only_is_named_without_an_hour() -> None:
    midnight = datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert ", visit Tue Nov 24. C=confirm" in text(starts=[midnight], time_known=False)


def test_two_visits_on_one_day_name_both_times() -> None:
    later = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
    assert "visits Tue Nov 24 10:30 AM and 2:00 PM" in text(starts=[START, later])


def test_an_email_has_a_subject_without_a_name_and_a_long_date() -> None:
    mail = reminder(
        channel="email",
        language="en",
        sender=SENDER,
        first_name="Elena",
        starts=[START],
        zone="America/Chicago",
    )
    assert mail.subject == "Visit reminder from Riverbend Clinic"
    assert "Hello Elena," in mail.body
    assert "visit on Tuesday, November 24, 2026 at 10:30 AM" in mail.body
    assert "STOP" in mail.body


def test_a_name_cannot_start_a_new_line_of_a_mail() -> None:
    mail = reminder(
        channel="email", language="en", sender=Sender("A\r\nBcc: x@y.z", "A", "+16125550100"),
        first_name="E\nX: 1", starts=[START], zone="America/Chicago",
    )  # fmt: skip
    assert "\n" not in mail.subject
    assert "\nX:" not in mail.body


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("María", "Maria,"),
        ("Łukasz", "Lukasz,"),
        ("Nguyễn", "Nguyen,"),
        ("Peña", "Peña,"),
        ("D’Arcy", "D'Arcy,"),
    ],
)
def test_letters_the_networks_lack_are_written_plainly(name: str, expected: str) -> None:
    assert expected in text(first_name=name)


def test_too_long_is_shortened_in_steps_and_never_cut_in_the_middle_of_the_instructions() -> None:
    said = text(sender=LONG, first_name="Maximiliana-Alexandrina")
    assert said.startswith("Twin Cities Care: Maximiliana-Alexandrina, visit")
    without_name = text(first_name="王小明")
    assert without_name.startswith("Riverbend Clinic: visit")
    for one in (said, without_name):
        assert one.endswith("STOP=opt out")
        assert "(612) 555-0100" in one


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(["en", "es", "zh", ""]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_text_fits_one_message_whatever_the_names(
    first: str, practice: str, language: str, known: bool
) -> None:
    said = text(
        first_name=first,
        sender=Sender(practice, practice[:40], "+16125550100"),
        language=language,
        time_known=known,
        starts=[START, datetime(2026, 11, 24, 22, 45, tzinfo=UTC)],
    )
    assert length(said).gsm
    assert length(said).units <= 160
    assert "STOP" in said
    assert "555-0100" in said
    assert "\n" not in said


def test_the_one_confirmation_after_stop_says_the_way_back() -> None:
    said = notice("opt_out_confirmation", language="es", sender=SENDER).body
    assert length(said).fits
    assert length(said).gsm
    assert "START" in said


# --- templates ------------------------------------------------------------------------------------------


def test_every_template_in_the_product_is_allowed() -> None:
    found = list(every_template())
    assert {(name, channel, language) for name, channel, language, _t in found} >= {
        ("visit_reminder", channel, language) for channel in ("sms", "email") for language in ("en", "es")
    }
    assert {name: list(problems(name, channel, text)) for name, channel, _l, text in found} == {
        name: [] for name, *_rest in found
    }


GOOD = "{practice}: {first}, {visit}. Call {phone}. STOP=opt out"


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        (GOOD + " {reason}", "Only these gaps"),
        (GOOD + " {visit.service}", "Only these gaps"),
        (GOOD + " {first!r}", "Only these gaps"),
        (GOOD.replace("{visit}", "your diabetes {visit}"), "tells too much"),
        (GOOD.replace("{visit}", "cita de psicología {visit}"), "tells too much"),
        (GOOD.replace("{visit}", "Cardiology {visit}"), "tells too much"),
        (GOOD.replace("{visit}", "lab test {visit}"), "tells too much"),
        (GOOD + " https://example.test", "tells too much"),
        (GOOD + " Dr. Okafor", "tells too much"),
        (GOOD.replace("STOP=opt out", ""), "STOP is missing"),
        (GOOD.replace("{phone}", "us"), "{phone} is missing"),
        (GOOD + " " + "Please come early. " * 5, "does not fit"),
        (GOOD + " {", "not closed"),
    ],
)
def test_a_template_that_tells_too_much_or_too_little_is_refused(template: str, complaint: str) -> None:
    assert any(complaint in problem for problem in problems("visit_reminder", "sms", template))


@pytest.mark.parametrize(
    ("said", "gsm", "units", "segments"),
    [
        ("a" * 160, True, 160, 1),
        ("a" * 161, True, 161, 2),
        ("€" * 80, True, 160, 1),
        ("€" * 81, True, 162, 2),
        ("á" + "a" * 69, False, 70, 1),
        ("á" + "a" * 70, False, 71, 2),
        ("😀" * 35, False, 70, 1),
        ("", True, 0, 1),
    ],
)
def test_length_is_counted_as_the_networks_count(said: str, gsm: bool, units: int, segments: int) -> None:
    found = length(said)
    assert (found.gsm, found.units, found.segments) == (gsm, units, segments)


def test_plain_writing_keeps_what_the_alphabet_has() -> None:
    assert plain("Ñandú é ü – “ok”") == 'Ñandu é ü - "ok"'
