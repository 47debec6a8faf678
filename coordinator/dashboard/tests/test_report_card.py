"""The payer report card: published figures by hand and from CSV beside ours, with the difference in words."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.report_card import read_card
from coordinator.tests.factories import make_site, make_user
from patients.tests.factories import make_patient
from referrals.models import Payer, PriorAuthorizationChange, PublishedMetric
from referrals.models.report_card import Metric
from referrals.report_card_file import read
from referrals.services.report_card import Published, save_published, take_back_published
from referrals.tests.factories import make_authorization, make_payer

pytestmark = pytest.mark.django_db
YEAR = timezone.localdate().year
DAY = datetime.timedelta(days=1)
LINE = Payer.Type.MEDICARE_ADVANTAGE.value
HEADER = "payer,year,line_of_business,metric,value,source"
FILE = "/team/report-card/file/"


@pytest.fixture
def manager(client):
    user = make_user(Role.MANAGER, site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def payer():
    return make_payer(name="Aster Health")


def published(payer, by, **values):
    values = {metric: Decimal(value) for metric, value in values.items()}
    one = Published(payer.pk, YEAR, LINE, "aster.example, March 3", values)
    return save_published(given=[one], by=by, now=timezone.now())


def decided(manager, payer, *, status="approved", days=2, **fields):
    received = timezone.now() - 20 * DAY
    patient = make_patient(site=manager.sites.get())
    record = make_authorization(
        patient, payer=payer, owner=manager, status=status, received_by_payer_at=received, **fields
    )
    step = {"approved": "approve", "denied": "deny"}[status]
    PriorAuthorizationChange.objects.create(
        record=record,
        step=step,
        from_status="submitted",
        to_status=status,
        at=received + days * DAY,
        by_system="test",
    )
    return record


def test_ours_stand_beside_the_published_with_the_difference_in_words(client, manager, payer):
    for number in range(5):
        decided(manager, payer, status="denied" if number == 0 else "approved", days=6)
    decided(manager, payer, days=1, kind="medicine")  # outside the public metrics
    published(payer, manager, standard_approved="92", standard_median="4.5", expedited_approved="70")
    when = timezone.now() - 20 * DAY
    card = read_card(manager, payer, timezone.localtime(when).year, LINE, now=timezone.now())
    rows = {row.metric: row for row in card.rows}
    if card.year == YEAR:
        assert (rows["standard_approved"].our_value, rows["standard_approved"].of) == (80, 5)
        assert rows["standard_approved"].difference == "12 points less than published."
        assert rows["standard_median"].difference == "1.5 days longer than published."
        assert rows["expedited_approved"].difference == "We have fewer than 5 requests: too few to compare."
    assert rows["standard_denied"].difference == "Nothing published is entered."
    page = client.get(reverse("dashboard:report_card_payer", args=[payer.pk])).content.decode()
    assert "aster.example, March 3" in page
    assert manager.name in page


def test_a_card_has_a_line_for_each_service_of_that_payer_alone_and_its_list_counts_the_same(
    client, manager, payer
):
    for service, kind, whose in (
        ("Echo", "service", payer),
        ("Echo", "service", payer),
        ("Insulin pump", "medicine", payer),
        ("Spine MRI", "service", make_payer()),
    ):
        decided(manager, whose, service=service, kind=kind)
    year = timezone.localtime(timezone.now() - 20 * DAY).year
    where = f"{reverse('dashboard:report_card_payer', args=[payer.pk])}?year={year}"

    def lines(address):
        return {line.words: line.cells[0].n for line in client.get(address).context["table"].lines}

    assert lines(where) == {"Echo": 2, "Insulin pump": 1}
    assert lines(f"{where}&kind=medicine") == {"Insulin pump": 1}
    [echo] = client.get(f"{where}&kind=service").context["table"].lines
    behind = client.get(echo.cells[0].href)
    assert behind.context["total"] == 2
    assert behind.context["back"].startswith(where.split("?")[0])
    every = f"{reverse('dashboard:report_card')}?year={year}&kind=medicine"
    assert lines(every) == {"Aster Health": 1}


def test_figures_typed_by_hand_replace_those_of_the_same_year_and_can_be_taken_back(client, manager, payer):
    address = reverse("dashboard:published_edit", args=[payer.pk])
    sent = {"year": YEAR, "line_of_business": LINE, "source": "Their page", "standard_approved": "91.5"}
    assert client.post(address, sent).status_code == 302
    assert client.post(address, sent | {"standard_approved": "", "standard_denied": "8"}).status_code == 302
    assert [(row.metric, row.value) for row in PublishedMetric.objects.all()] == [
        ("standard_denied", Decimal(8))
    ]
    assert PublishedMetric.objects.get().created_by == manager
    assert 'value="8.00"' in client.get(address).content.decode()
    back = reverse("dashboard:published_take_back", args=[payer.pk])
    assert client.post(back, {"year": YEAR, "line": LINE}).status_code == 302
    assert not PublishedMetric.objects.exists()
    assert AuditEvent.objects.get(action="take_back_metrics").details["before"] == {"standard_denied": "8.00"}
    assert client.post(back, {"year": YEAR, "line": "nothing"}).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"standard_approved": "101"}, "less than or equal to 100"),
        ({"year": "2024"}, "greater than or equal to 2025"),
        ({"year": str(YEAR + 1)}, "Payers publish figures for years from"),
        ({"source": " "}, "Source is required"),
        ({"standard_approved": ""}, "Enter at least one figure"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_the_typing_stays(client, manager, payer, wrong, sentence):
    sent = {
        "year": YEAR,
        "line_of_business": LINE,
        "source": "Their page",
        "standard_approved": "91",
        "expedited_denied": "",
    }
    answer = client.post(reverse("dashboard:published_edit", args=[payer.pk]), sent | wrong)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert sentence in page
    assert "Their page" in page or "source" in wrong
    assert not PublishedMetric.objects.exists()


def test_only_who_sets_up_payers_enters_and_takes_back(payer):
    for role in (Role.LEAD, Role.COORDINATOR):
        user = make_user(role)
        with pytest.raises(PermissionDenied):
            published(payer, user, standard_approved="1")
        with pytest.raises(PermissionDenied):
            take_back_published(
                payer_id=payer.pk, year=YEAR, line_of_business=LINE, by=user, now=timezone.now()
            )


def test_the_database_itself_refuses_a_share_over_100(manager, payer):
    with pytest.raises(IntegrityError), transaction.atomic():
        PublishedMetric.objects.create(
            payer=payer,
            year=YEAR,
            line_of_business=LINE,
            metric=Metric.STANDARD_DENIED,
            value=101,
            source="x",
        )
    with pytest.raises(ValidationError):
        published(payer, manager, standard_denied="101")


# --- from CSV ---------------------------------------------------------------------------------------------------


def test_a_file_is_checked_first_and_saved_as_a_whole(client, manager, payer):
    text = f"{HEADER}\nAster Health,{YEAR},Medicare Advantage,standard_approved,92 %,their page\naster health,{YEAR},{LINE},Standard: median time to a decision,4.5,their page\n"
    checked = client.post(FILE, {"text": text})
    assert checked.status_code == 200
    assert "Every row can be used" in checked.content.decode()
    assert not PublishedMetric.objects.exists()
    assert client.post(FILE, {"text": text, "save": "1"}).status_code == 302
    assert {row.metric: row.value for row in PublishedMetric.objects.all()} == {
        "standard_approved": Decimal(92), "standard_median": Decimal("4.5"),
    }  # fmt: skip


BAD_ROWS = {
    f"Nobody,{YEAR},{LINE},standard_approved,9,x": "No payer has the name",
    f"Aster Health,1999,{LINE},standard_approved,9,x": "is no year from",
    f"Aster Health,{YEAR},boat,standard_approved,9,x": "is no line of business",
    f"Aster Health,{YEAR},{LINE},speed,9,x": "is no metric",
    f"Aster Health,{YEAR},{LINE},standard_denied,nine,x": "is no number",
    f"Aster Health,{YEAR},{LINE},standard_denied,NaN,x": "Enter a percentage",
    f"Aster Health,{YEAR},{LINE},standard_denied,100.5,x": "Enter a percentage",
    f"Aster Health,{YEAR},{LINE},standard_median,400,x": "Enter days from",
    f"Aster Health,{YEAR},{LINE},standard_denied,9,": "Give the source",
    f"Aster Health,{YEAR},{LINE},standard_approved,9,x": "stands in the file twice",
    "Aster Health": "is no year from",
}


def test_each_bad_row_is_named_by_line_and_nothing_is_saved(client, manager, payer):
    good = f"Aster Health,{YEAR},{LINE},standard_approved,92,their page"
    answer = client.post(FILE, {"text": "\n".join([HEADER, good, *BAD_ROWS]), "save": "1"})
    assert answer.status_code == 422
    problems = answer.context["reading"].problems
    assert [problem.line for problem in problems] == list(range(3, 3 + len(BAD_ROWS)))
    for problem, sentence in zip(problems, BAD_ROWS.values(), strict=True):
        assert sentence in problem.reason
    assert not PublishedMetric.objects.exists()
    assert "their page" in answer.content.decode()


def test_columns_with_other_names_are_chosen_by_hand(client, manager, payer):
    text = f"who;when;which;what;how much;where\nAster Health;{YEAR};{LINE};standard_denied;8;their page"
    first = client.post(FILE, {"text": text})
    assert first.status_code == 422
    assert "Choose the columns for" in first.content.decode()
    places = ("payer", "year", "line_of_business", "metric", "value", "source")
    chosen = {f"column_{name}": str(place) for place, name in enumerate(places)}
    assert client.post(FILE, {"text": text, "save": "1", **chosen}).status_code == 302
    assert PublishedMetric.objects.get().value == 8


@given(
    st.text(max_size=200), st.dictionaries(st.sampled_from(["payer", "year", "value"]), st.text(max_size=3))
)
@settings(max_examples=60)
def test_no_text_breaks_the_reading(text, chosen):
    for given_text in (text, f"{HEADER}\n{text}"):
        reading = read(given_text, chosen, {}, YEAR)
        assert reading.problems or not reading.given
