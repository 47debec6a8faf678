"""The template tags: what they write, and that nothing a person typed becomes markup."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone

from coordinator.fields import BirthDateField, PhoneField
from coordinator.gallery import ExampleForm
from patients.models import Medication, Patient

NOW = datetime(2026, 11, 18, 16, 24, tzinfo=UTC)
ELENA = SimpleNamespace(
    family_name="Ramírez",
    given_name="Elena",
    preferred_name="",
    birth_date=date(1958, 3, 14),
    sex="female",
    language="es",
    deceased_on=None,
)


@pytest.fixture(autouse=True)
def chicago() -> Generator[None]:
    with timezone.override("America/Chicago"):
        yield


def draw(source: str, **context: Any) -> str:
    """The source with `ui` loaded, at NOW."""
    return Template("{% load ui %}" + source).render(Context({"now": NOW, **context}))


def test_an_icon_is_never_read_out() -> None:
    assert draw('{% icon "phone" %}') == '<svg class="i" aria-hidden="true"><use href="#i-phone"/></svg>'


def test_a_badge_with_a_tone_has_words_and_an_icon() -> None:
    html = draw('{% badge "At risk" "warn" %}')
    assert 'class="badge warn"' in html
    assert "#i-alert" in html
    assert "At risk" in html
    assert "<svg" not in draw('{% badge "Draft" %}')


def test_what_a_person_typed_is_text_and_not_markup() -> None:
    nasty = "<script>alert(1)</script>"
    person = SimpleNamespace(family_name=nasty, given_name=nasty, preferred_name=nasty, language='"><b>')
    for source in (
        "{% badge t %}",
        "{% flag t %}",
        "{% phone_link t %}",
        "{% patient_line p href=t %}",
        "{% sparkline v t %}",
        "{% stacked_bar s t %}",
        '{% box t id="x" %}y{% endbox %}',
    ):
        html = draw(source, t=nasty, p=person, v=[1, 2], s=[(nasty, 1, "f1")])
        assert "<script" not in html.lower()
        assert "<b>" not in html


def test_a_due_date_shows_the_distance_first_and_the_day_second() -> None:
    html = draw("{% due d %}", d=date(2026, 11, 16))
    assert html.index("2 days overdue") < html.index("Mon, Nov 16")
    assert 'class="due over"' in html
    assert 'datetime="2026-11-16"' in html
    assert "l2" not in draw("{% due d short=True %}", d=date(2026, 11, 16))


def test_a_task_is_read_for_its_own_deadline() -> None:
    end_of_day = datetime(2026, 11, 19, 5, 59, 59, tzinfo=UTC)
    task = SimpleNamespace(due_at=end_of_day, due_has_time=False, clock_id=None)
    assert ">Today<" in draw("{% due t %}", t=task)
    timed = SimpleNamespace(due_at=NOW + timedelta(hours=2, minutes=36), due_has_time=True, clock_id=None)
    assert "Today 1:00 PM" in draw("{% due t %}", t=timed)
    ruled = SimpleNamespace(due_at=NOW + timedelta(hours=6, minutes=36), due_has_time=True, clock_id="c")
    assert "6 h 36 min left" in draw("{% due t %}", t=ruled)
    assert "No date" in draw("{% due t %}", t=SimpleNamespace(due_at=None, due_has_time=False))


def test_a_clock_says_time_left_rule_and_end() -> None:
    clock = SimpleNamespace(
        due_at=NOW + timedelta(hours=19),
        due_on=None,
        anchor_at=NOW - timedelta(hours=53),
        state="running",
        held_since=None,
        rule_version=SimpleNamespace(rule=SimpleNamespace(title="72 h expedited")),
    )
    html = draw("{% clock c %}", c=clock)
    assert "19 h left" in html
    assert "72 h expedited" in html
    assert "Thu, Nov 19, 5:24 AM" in html
    assert 'width="74"' in html
    clock.state, clock.held_since = "held", NOW - timedelta(hours=55)
    assert "Paused at 3 days" in draw("{% clock c %}", c=clock)


def test_attempts_are_dots_and_words() -> None:
    html = draw("{% attempts 1 3 %}")
    assert html.count("<i") == 3
    assert html.count('class="on"') == 1
    assert "1 of 3" in html


def test_a_patient_always_comes_with_two_identifiers() -> None:
    html = draw('{% patient_line p href="/patients/1/" row_id="p1" %}', p=ELENA)
    assert '<a class="rowlink" href="/patients/1/" id="p1">RAMÍREZ, Elena</a>' in html
    assert 'Mar 14, 1958<span class="etc"> · 68 F · <abbr title="Spanish">ES</abbr></span>' in html
    unknown = SimpleNamespace(**{**vars(ELENA), "birth_date": None, "language": "en", "sex": "unknown"})
    assert draw("{% patient_ids p %}", p=unknown) == "birth date not recorded"


def test_pictures_of_numbers_say_the_numbers() -> None:
    assert 'aria-label="Weight: 171, 172.5"' in draw(
        '{% sparkline v "Weight" low=169 high=175 %}', v=[171, 172.5]
    )
    assert "No measurements yet" in draw('{% sparkline v "Weight" %}', v=[])
    assert 'aria-label="Auth: late 3, later 0"' in draw(
        '{% stacked_bar s "Auth" of=24 %}', s=[("late", 3, "f4"), ("later", 0, "fd")]
    )
    assert 'width="100"' in draw("{% bar 30 0 %}{% bar 130 100 %}")


class Small(forms.Form):
    phone = PhoneField(label="Best phone", help_text="Mobile if they have one.")
    nickname = forms.CharField(required=False)


def test_a_field_is_label_hint_error_control_in_that_order() -> None:
    html = draw('{% field f.phone size="mid" data_x="1" %}', f=Small({"phone": "555"}))
    order = [html.index(part) for part in ("<label", "Mobile if", "Error:", "<input")]
    assert order == sorted(order)
    assert 'class="input mid"' in html
    assert 'data-x="1"' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_phone_helptext id_phone_error"' in html
    assert 'id="id_phone_error"' in html


def test_an_optional_field_says_so() -> None:
    assert "(optional)" in draw("{% field f.nickname %}", f=Small())
    assert "(optional)" not in draw("{% field f.phone %}", f=Small())


class Nothing(forms.Form):
    """Lists that begin with nothing, as Django makes them; one of them has words of its own."""

    patient = forms.ModelChoiceField(queryset=Patient.objects.none())
    label: Any = Medication._meta.get_field("label").formfield()
    who = forms.ModelChoiceField(queryset=Patient.objects.none(), empty_label="The patient")


@pytest.mark.parametrize(("name", "word"), [("patient", ""), ("label", ""), ("who", "The patient")])
def test_nothing_chosen_is_said_in_words(name: str, word: str) -> None:
    for tag, usual in (("field", "Choose…"), ("chip_select", "Any")):
        html = draw(f"{{% {tag} f.{name} %}}", f=Nothing(), request=RequestFactory().get("/"))
        assert f'<option value="" selected>{word or usual}</option>' in html
        assert "---" not in html


def test_choices_and_boxes_are_groups_with_a_legend_and_their_own_error() -> None:
    form = ExampleForm({"birth_date_month": "2", "birth_date_day": "31", "birth_date_year": "1958"})
    boxes = draw("{% field f.birth_date %}", f=form)
    assert "<legend>Date of birth</legend>" in boxes
    assert 'aria-describedby="id_birth_date_helptext id_birth_date_error"' in boxes
    assert 'name="birth_date_month" id="id_birth_date_0" value="2"' in boxes
    assert draw("{% field f.urgency %}", f=form).count('class="choice"') == 3


def test_the_summary_names_every_problem_and_leads_to_its_field() -> None:
    html = draw("{% error_summary f g %}", f=Small({"phone": ""}), g=ExampleForm({}))
    assert '<a href="#id_phone">Best phone is required</a>' in html
    assert '<a href="#id_urgency_0">Urgency is required</a>' in html
    assert 'href="#id_birth_date_0"' in html
    assert "This field is required" not in html
    assert draw("{% error_summary f %}", f=Small()).strip() == ""


def test_links_keep_the_pages_own_query() -> None:
    request = RequestFactory().get("/work/", {"sort": "due", "kind": "call", "after": "x"})
    assert (
        draw("{% querystring_with after=None kind='visit' %}", request=request) == "?sort=due&amp;kind=visit"
    )
    head = draw('{% sort_head "due" "Due" %}', request=request)
    assert 'aria-sort="ascending"' in head
    assert "sort=-due" in head
    assert "after=" not in head


class Born(forms.Form):
    on = BirthDateField()


@pytest.mark.parametrize(
    ("typed", "result"),
    [
        (("3", "14", "1958"), date(1958, 3, 14)),
        (("2", "30", "1958"), "That date does not exist"),
        (("3", "14", "58"), "four digits"),
        (("3", "", "1958"), "Enter month, day and year"),
        (("3", "14", "2999"), "cannot be in the future"),
        (("", "", ""), "Enter the date of birth"),
        (("²", "14", "1958"), "Enter month, day and year"),
    ],
)
def test_a_birth_date_is_typed_in_three_boxes(typed: tuple[str, str, str], result: date | str) -> None:
    form = Born({"on_month": typed[0], "on_day": typed[1], "on_year": typed[2]})
    if isinstance(result, date):
        assert form.is_valid()
        assert form.cleaned_data["on"] == result
    else:
        assert result in form.errors["on"][0]


@pytest.mark.parametrize("typed", ["612 555 0143", "(612) 555-0143", "+1 612.555.0143", "16125550143"])
def test_a_telephone_number_may_be_typed_in_any_way(typed: str) -> None:
    form = Small({"phone": typed})
    assert form.is_valid()
    assert form.cleaned_data["phone"] == "+16125550143"


@pytest.mark.parametrize("typed", ["555-0143", "612-555-01434", "012 555 0143", "612 555 O143"])
def test_a_wrong_telephone_number_is_refused_with_an_example(typed: str) -> None:
    assert "like (612) 555-0143" in Small({"phone": typed}).errors["phone"][0]
