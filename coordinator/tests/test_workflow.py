"""Every status x every step of every workflow, made from the tables the models declare."""

from __future__ import annotations

import datetime
import itertools

import pytest
from django.apps import apps
from django.db import connection, models, transaction

from coordinator.audit.models import AuditEvent
from coordinator.db import lock
from coordinator.tests.factories import make_user
from coordinator.tests.workflow_records import MAKE, facts_for, put_in_status, status_field
from coordinator.workflow import Change, NotAllowed, Step, System, Workflow, move, moved

NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
MODELS = sorted(
    (model for model in apps.get_models() if isinstance(getattr(model, "workflow", None), Workflow)),
    key=lambda model: model._meta.label,
)
ROWS = [
    pytest.param(model, status, id=f"{model.__name__}-{status}")
    for model in MODELS
    for status in model.workflow.statuses.values
]


def make_in(model, status):
    """A record of this model that stands at this status, as the database would hold it."""
    return put_in_status(MAKE[model._meta.label](), status)


def ending_of(model):
    """The step that says "this was entered in error": clocks call it void."""
    return "void" if model._meta.label == "clocks.Clock" else "enter_in_error"


def take(record, step, *, by, **overrides):
    """One step in its own transaction, with everything it needs."""
    given = facts_for(record, step) | overrides
    with transaction.atomic():
        row = lock(type(record)._base_manager, record.pk)
        change = move(row, step.name, by=by, now=NOW, **given)
    return row, change


# --- the tables themselves ------------------------------------------------------------------------------


CHART_FACTS = (
    "Allergy", "Consent", "Coverage", "Document", "EligibilityCheck", "Encounter", "Immunization", "Medication", "Note", "Problem",
    "Reconciliation", "Result",
)  # fmt: skip


def test_every_model_with_a_status_has_a_workflow_or_says_why_not():
    """Rows that only a job writes (messages, runs, clocks) have their own guard; each is named here."""
    own_guard = {
        "messaging.Message",  # claimed and finished by conditional updates with a token
        "imports.ImportRun",  # a job's progress
        "imports.CaseloadImport",  # a job's progress
        "imports.CodedEvent",  # what another system said of a visit or a procedure
        "record.RecordExport",  # a job's progress
        "dashboard.JobRun",  # a job's progress
        "api.IdempotencyKey",  # an HTTP status
        # Facts of the chart with FHIR's own status of the fact, edited or imported with the row:
        *(f"patients.{name}" for name in CHART_FACTS),
    }
    ours = ("coordinator", "patients", "careplans", "referrals", "scheduling")
    with_status = {
        model._meta.label
        for model in apps.get_models()
        if model.__module__.startswith(ours) and any(f.name == "status" for f in model._meta.concrete_fields)
    }
    assert with_status - {model._meta.label for model in MODELS} - own_guard == set()


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_the_table_has_no_dead_ends(model):
    workflow = model.workflow
    values = set(workflow.statuses.values)
    ending = ending_of(model)
    error = next(step.to for step in workflow.steps if step.name == ending)
    for status in values - {error}:
        steps = [step.name for step in workflow.steps_from(status)]
        assert ending in steps, f"{status} cannot be entered in error"
        if status not in workflow.terminal():
            assert len(steps) > 1, f"{status} has no way out"
    assert workflow.steps_from(error) == [], "what was entered in error stays so"
    reached, frontier = set(), {workflow.initial, *_other_beginnings(model)}
    while frontier:
        reached |= frontier
        frontier = {s.to for status in frontier for s in workflow.steps_from(status)} - reached
    assert reached == values, f"nothing leads to {sorted(values - reached)}"


def _other_beginnings(model):
    """Statuses in which a record may be made, beside the initial one (a task can begin as a draft)."""
    return {"careplans.Task": {"draft", "requested"}, "scheduling.Appointment": {"proposed", "pending"}}.get(
        model._meta.label, set()
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_steps_that_end_or_correct_ask_for_a_reason(model):
    for step in model.workflow.steps:
        if step.name == ending_of(model) or step.name.startswith("correct_"):
            assert "reason" in step.needs, step.name


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_each_step_leads_to_one_place(model):
    """Two rows of the table with one name never share a source: the name alone decides."""
    for one, other in itertools.combinations(model.workflow.steps, 2):
        if one.name == other.name:
            assert not set(one.sources) & set(other.sources), one.name


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_the_model_fits_its_table(model):
    workflow = model.workflow
    status = model._meta.get_field(status_field(model))
    assert status.default in (workflow.initial, models.NOT_PROVIDED)
    assert max(map(len, workflow.statuses.values)) <= status.max_length
    change = model._meta.get_field("changes").related_model
    assert issubclass(change, Change)
    names = {c.name for c in model._meta.constraints if isinstance(c, models.CheckConstraint)}
    assert any(name.endswith(("_status_known", "_state_known")) for name in names)


def test_a_table_that_names_an_unknown_status_is_refused():
    statuses = MODELS[0].workflow.statuses
    with pytest.raises(ValueError, match="unknown statuses"):
        Workflow(statuses, initial=statuses.values[0], steps=[Step("fly", ("nowhere",), statuses.values[0])])


# --- every status x every step --------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "status"), ROWS)
def test_status_by_step(model, status):
    """Each step of the table from this status: taken with its record of it, or refused without a trace."""
    by = make_user()
    for step in model.workflow.steps:
        record = make_in(model, status)
        if status in step.sources:
            check_taken(record, step, by)
        elif model.workflow.find(step.name, status) is None:
            with pytest.raises(NotAllowed):
                take(record, step, by=by)
            check_untouched(record, status, step)


def check_taken(record, step, by):
    row, change = take(record, step, by=by)
    row.refresh_from_db()
    assert row.status == step.to == change.to_status
    assert (change.from_status, change.by, row.version) == (record.status, by, record.version + 1)
    # What follows from a step, such as a task, has events of its own.
    event = AuditEvent.objects.filter(entity_id=str(record.pk)).latest("pk")
    assert event.action == step.name


def check_untouched(record, status, step):
    version = record.version
    record.refresh_from_db()
    assert (record.status, record.version) == (status, version)
    assert not record.changes.filter(step=step.name).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_a_step_without_what_it_needs_is_refused_with_a_sentence(model):
    by = make_user()
    for step in model.workflow.steps:
        for need in step.needs:
            record = make_in(model, step.sources[0])
            with pytest.raises(NotAllowed, match=r"\w+ .*[.]$"):
                take(record, step, by=by, **{need: ""})
            check_untouched(record, step.sources[0], step)


# --- the door --------------------------------------------------------------------------------------------


def a_step_of(model):
    return model.workflow.find(ending_of(model), model.workflow.initial)


DOOR = next(model for model in MODELS if model._meta.label == "careplans.CarePlan")


@pytest.mark.django_db(transaction=True)
def test_move_needs_a_transaction():
    record = make_in(DOOR, DOOR.workflow.initial)
    with pytest.raises(transaction.TransactionManagementError):
        move(record, "enter_in_error", by=System("test"), now=NOW, reason="x")


@pytest.mark.django_db
def test_move_needs_a_locked_row():
    record = make_in(DOOR, DOOR.workflow.initial)
    with transaction.atomic(), pytest.raises(RuntimeError, match="lock"):
        move(record, "enter_in_error", by=System("test"), now=NOW, reason="x")


@pytest.mark.django_db
def test_move_needs_somebody():
    record = make_in(DOOR, DOOR.workflow.initial)
    with pytest.raises(ValueError, match="by"):
        take(record, a_step_of(DOOR), by=None)


@pytest.mark.django_db
def test_a_job_is_named_on_the_change():
    record = make_in(DOOR, DOOR.workflow.initial)
    _row, change = take(record, a_step_of(DOOR), by=System("nightly"))
    assert (change.by, change.by_system) == (None, "nightly")


@pytest.mark.django_db
def test_moved_is_sent_once_with_what_happened():
    heard = []

    def listen(sender, **facts):
        heard.append((sender, facts["step"]))

    moved.connect(listen)
    try:
        take(make_in(DOOR, DOOR.workflow.initial), a_step_of(DOOR), by=make_user())
    finally:
        moved.disconnect(listen)
    assert heard == [(DOOR, "enter_in_error")]


@pytest.mark.django_db
def test_a_fact_cannot_smuggle_in_a_status():
    record = make_in(DOOR, DOOR.workflow.initial)
    row, _change = take(record, a_step_of(DOOR), by=make_user(), status="active", version=99, id=None)
    row.refresh_from_db()
    assert (row.status, row.version, row.pk) == ("entered_in_error", record.version + 1, record.pk)


class _CrashError(Exception):
    pass


def crash_at(k):
    """An execute wrapper that fails at the k-th statement, after it ran (the reply is lost) or before."""
    seen = itertools.count(1)

    def wrapper(execute, sql, params, many, context):
        if next(seen) == k:
            raise _CrashError
        return execute(sql, params, many, context)

    return wrapper


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_a_crash_at_any_statement_leaves_all_or_nothing(model):
    """Reliability K9 for the door: fail at statement 1, 2, 3, ... until the whole step goes through."""
    step, by = a_step_of(model), make_user()
    for k in range(1, 60):
        record = make_in(model, model.workflow.initial)
        before = AuditEvent.objects.count()
        try:
            with connection.execute_wrapper(crash_at(k)):
                take(record, step, by=by)
        except _CrashError:
            record.refresh_from_db()
            assert record.status == model.workflow.initial
            assert not record.changes.filter(step=step.name).exists()
            assert AuditEvent.objects.count() == before
        else:
            record.refresh_from_db()
            assert record.status == step.to
            assert record.changes.filter(step=step.name).count() == 1
            assert k > 3, "a step writes at least lock, row, and change with audit"
            return
    raise AssertionError("the step never went through")
