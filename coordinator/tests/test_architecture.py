"""The rules of docs/architecture.md hold, and each one is shown to notice what it forbids."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from coordinator import http
from coordinator.celery import app as celery
from coordinator.tests.architecture import RULES
from coordinator.tests.architecture.pages import SCRIPT_RULES, TEMPLATE_RULES, scripts, templates
from coordinator.tests.architecture.source import LAYERS, ROOT, layer, python_files, violations

SOURCES = {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in python_files()}
OURS = ("coordinator", "patients", "careplans", "referrals", "scheduling")


# --- source text ----------------------------------------------------------------------------------------


@cache
def found_by_rule() -> dict[str, list[str]]:
    """Every violation of every rule; each file is parsed once for all of them."""
    found: dict[str, list[str]] = {rule.name: [] for rule in RULES}
    for file, source in SOURCES.items():
        tree = ast.parse(source)
        for rule in RULES:
            found[rule.name] += violations(rule, file, source, tree)
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_code_keeps_the_rule(rule):
    found = found_by_rule()[rule.name]
    assert found == [], "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "planted"), [(rule, planted) for rule in RULES for planted in rule.planted], ids=str
)
def test_the_rule_finds_a_planted_violation(rule, planted):
    assert violations(rule, *planted)


@pytest.mark.parametrize(("rule", "fine"), [(rule, fine) for rule in RULES for fine in rule.fine], ids=str)
def test_the_rule_lets_its_good_twin_pass(rule, fine):
    assert violations(rule, *fine) == []


@pytest.mark.parametrize("rules", [TEMPLATE_RULES, SCRIPT_RULES], ids=["templates", "scripts"])
def test_pages_keep_the_rules(rules):
    files = templates() if rules is TEMPLATE_RULES else scripts()
    checks = {name: check for name, check, _path, _planted in rules}
    found = []
    for file in files:
        where, text = str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")
        found += [f"{where}: {words}" for check in checks.values() for words in check(where, text)]
    assert found == [], "\n" + "\n".join(found)


@pytest.mark.parametrize(("name", "check", "where", "planted"), TEMPLATE_RULES + SCRIPT_RULES)
def test_page_rules_find_a_planted_violation(name, check, where, planted):
    assert list(check(where, planted))


def test_the_top_level_is_the_product_designs_own():
    """Whoever opens the tree finds what docs/architecture.md says, and nothing else."""
    allowed = {
        *("manage.py", "requirements.txt", "pytest.ini", "README.md"),
        *("bin", "coordinator", "patients", "careplans", "referrals", "scheduling"),
        *("templates", "static", "docs", "bench", "faults"),
    }
    kept = {p.name for p in ROOT.iterdir() if not p.name.startswith(".") and p.name != "__pycache__"}
    assert kept <= allowed, kept - allowed


# --- the models ------------------------------------------------------------------------------------------

our_models = [model for model in apps.get_models() if model.__module__.startswith(OURS)]


@pytest.mark.parametrize("model", our_models, ids=lambda m: m._meta.label)
def test_foreign_keys_follow_the_arrows(model):
    here = LAYERS.index(layer(model.__module__))
    for field in model._meta.get_fields():
        target = field.related_model
        if field.auto_created or not isinstance(target, type) or not target.__module__.startswith(OURS):
            continue
        assert LAYERS.index(layer(target.__module__)) <= here, (
            f"{field.name} points up to {target._meta.label}"
        )


# Rows without an own visible_to(): reached only through their parent, or nobody's but their writer's.
THROUGH_THEIR_PARENT = {
    "careplans.GoalMeasurement": "through its goal",
    "careplans.TaskInterval": "through its task",
    "clocks.ClockEvent": "through its clock",
    "referrals.AuthorizationLine": "through its authorization",
    "imports.ImportRun": "administrators only; imports are by site but its page needs imports.run",
    "imports.ImportProblem": "through its run",
    "imports.SourceRecord": "never on a page",
    "imports.CaseloadRow": "through its import; the patients it names are looked up with visible_to",
    "dashboard.JobRun": "machinery, no patient in it",
    "dashboard.CaseloadStat": "recomputed from what is visible; read through the board's selector",
    "dashboard.PinnedPatient": "own rows, joined with visible patients",
    "api.ApiClient": "administrators only",
    "api.IdempotencyKey": "read by the client that wrote it",
}


@pytest.mark.parametrize("model", our_models, ids=lambda m: m._meta.label)
def test_what_belongs_to_a_patient_or_site_can_be_narrowed_to_a_person(model):
    names = {getattr(f.related_model, "__name__", "") for f in model._meta.concrete_fields if f.is_relation}
    belongs = bool(names & {"Patient", "Site"}) or any(
        f.name == "patient_id" for f in model._meta.concrete_fields
    )
    is_change = any(base.__name__ == "Change" for base in model.__mro__)
    if not belongs or is_change or model._meta.label in THROUGH_THEIR_PARENT or model._meta.auto_created:
        return
    if model._meta.label == "audit.AuditEvent":
        return
    assert callable(getattr(model._default_manager, "visible_to", None)), "needs visible_to(user)"


def test_the_list_of_exceptions_holds_only_what_cannot_be_narrowed():
    without = {m._meta.label for m in our_models if not hasattr(m._default_manager, "visible_to")}
    assert set(THROUGH_THEIR_PARENT) <= without


def test_deleting_is_never_a_cascade_into_the_record():
    """What belongs to a patient is kept; only machinery may vanish with its parent."""
    machinery = ("imports.", "dashboard.", "api.", "clocks.Holiday")
    for model in our_models:
        for field in model._meta.concrete_fields:
            if field.is_relation and field.remote_field.on_delete is models.CASCADE:
                assert model._meta.label.startswith(machinery), f"{model._meta.label}.{field.name} cascades"


def test_numbers_are_exact_and_no_row_is_hidden_by_a_flag():
    for model in our_models:
        assert not any(isinstance(f, models.FloatField) for f in model._meta.concrete_fields), model
        with pytest.raises(FieldDoesNotExist):
            model._meta.get_field("is_deleted")


# --- routes and jobs ---------------------------------------------------------------------------------------


def test_every_route_declares_a_rule():
    assert http.every_route_declares_a_rule(None) == []


def test_every_declared_permission_exists():
    from coordinator.accounts.roles import EVERY_PERMISSION

    for text, entry in http.routes():
        rule = http.access_rule_of(entry.callback)
        permission = rule.removeprefix("api:")
        assert (
            rule in (http.PUBLIC, http.SIGNED_IN) or rule.startswith("api:") or permission in EVERY_PERMISSION
        ), text


def undeclared(request):
    return HttpResponse("patient data")


urlpatterns = [path("undeclared/", undeclared)]


@override_settings(ROOT_URLCONF="coordinator.tests.test_architecture")
def test_a_route_without_a_rule_stops_the_start_and_answers_nothing(rf):
    assert [error.id for error in http.every_route_declares_a_rule(None)] == ["throughline.E001"]
    with pytest.raises(http.Http404):
        http.AccessRuleMiddleware(undeclared).process_view(rf.get("/undeclared/"), undeclared, (), {})


def missing_jobs(schedule, known):
    return sorted(entry["task"] for entry in schedule.values() if entry["task"] not in known)


@pytest.fixture(scope="module")
def known_jobs():
    celery.loader.import_default_modules()
    return set(celery.tasks)


def test_every_scheduled_job_exists(known_jobs):
    assert missing_jobs(celery.conf.beat_schedule, known_jobs) == []


def test_a_scheduled_job_that_does_not_exist_is_found(known_jobs):
    assert missing_jobs({"x": {"task": "nobody.wrote_this", "schedule": 1.0}}, known_jobs) == [
        "nobody.wrote_this"
    ]


def test_every_job_has_a_name_of_its_own_and_no_result(known_jobs):
    for name in known_jobs:
        if not name.startswith("celery."):
            job = celery.tasks[name]
            assert "." in name
            assert not name.endswith(f".jobs.{job.run.__name__}"), (
                f"{name}: give the job a name that survives a move"
            )
            assert inspect.getdoc(job.run), f"{name} needs a docstring"


def test_celery_carries_hints_only():
    assert celery.conf.task_ignore_result
    assert celery.conf.accept_content == ["json"]
    assert not celery.conf.result_backend


# --- documents ---------------------------------------------------------------------------------------------


def test_the_documents_name_files_that_exist():
    """A map that leads to a place that is gone is worse than none."""
    import re

    for document in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]:
        if not document.exists():
            continue
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document.relative_to(ROOT)} links to {link}"


def test_nothing_is_committed_from_outside_the_project():
    assert not list(Path(ROOT / "static").rglob("*.min.js")), "third-party scripts come from a locked package"
