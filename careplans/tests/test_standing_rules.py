import pytest

from careplans import standing_rules as rules
from careplans.models import CloseReason, TaskKind
from careplans.workflow import PLAN_WORKFLOW
from patients.leaving import BECAUSE
from patients.workflow import LEAVING


@pytest.mark.django_db
@pytest.mark.parametrize("step", LEAVING)
def test_every_way_of_leaving_has_its_rules_and_its_sentence(step):
    assert rules.CLOSES[step].reason in set(CloseReason.objects.offered().values_list("code", flat=True))
    assert rules.CLOSES[step].kinds <= set(TaskKind.values)
    assert any(rules.PLAN_STEP[step] == known.name for known in PLAN_WORKFLOW.steps)
    assert str(BECAUSE[step])


@pytest.mark.parametrize("step", LEAVING)
@pytest.mark.parametrize("kind", TaskKind.values)
def test_every_kind_of_task_either_closes_or_says_why_it_stays(step, kind):
    assert rules.closes(step, kind) or str(rules.stays_because(kind))


def test_a_death_ends_calls_and_leaves_what_others_wait_for():
    assert rules.closes("record_death", "outreach_call")
    assert rules.closes("record_death", "discharge_call")
    assert not rules.closes("transfer", "discharge_call")
    assert not any(rules.closes("record_death", kind) for kind in ("paperwork", "authorization", "results"))


def test_what_a_money_record_asked_for_gives_way_to_the_task_that_ends_it():
    assert rules.closes("transfer", "paperwork", "referrals.bill")
    assert not rules.closes("transfer", "paperwork", "careplans.task")


def test_what_happened_at_a_past_visit_is_still_asked_for():
    assert rules.closes("record_death", "data_quality")
    assert not rules.closes("record_death", "data_quality", "scheduling.appointment")
