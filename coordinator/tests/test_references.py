"""What somebody names in a write: a record of another site answers exactly as one that does not exist.

Forms and API inputs are found by introspection, so a new field joins by itself.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.http import QueryDict
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from coordinator.accounts.roles import Role
from coordinator.api.fields import OwnSite, Strict, Visible
from coordinator.packets.gather import offer_of
from coordinator.tests.permission_world import World, one_world

OURS = ("coordinator", "patients", "careplans", "referrals", "scheduling")
# Kinds of the world by model; the others have no site or are never named.
KIND_OF = {
    "accounts.User": "colleague",
    "accounts.Site": "site",
    "accounts.Team": "team",
    "accounts.Practitioner": "practitioner",
    "patients.Patient": "patient",
    "patients.Document": "document",
    "patients.Coverage": "coverage",
    "patients.Problem": "problem",
    "patients.RelatedPerson": "related person",
    "patients.ContactPoint": "contact point",
    "careplans.CarePlan": "plan",
    "careplans.Goal": "goal",
    "careplans.Task": "task",
    "referrals.Referral": "referral",
    "referrals.ReferralPacket": "packet",
    "referrals.PriorAuthorization": "authorization",
    "referrals.Bill": "bill",
    "referrals.AidApplication": "aid application",
    "referrals.BenefitApplication": "benefit application",
    "referrals.AppealLetter": "appeal letter",
    "scheduling.Appointment": "appointment",
    "scheduling.WaitlistEntry": "waitlist entry",
    "scheduling.Room": "room",
}
WITHOUT_SITE = {
    "accounts.Organization",
    "clocks.BusinessCalendar",
    "referrals.BillPhrase",
    "referrals.DenialCategory",
    "referrals.Fund",
    "referrals.Payer",
    "referrals.Practice",
    "scheduling.Service",
}
# Forms whose choices are handed in by their view; the matrix and the pages' own tests cover the view.
HANDED_IN = {
    "coordinator.dashboard.audit_view.AuditFilters": "auditors read the whole trail",
    "coordinator.dashboard.documents.DocumentFilters": "its choices are the kinds and tags of one visible patient",
    "coordinator.dashboard.work_forms.FilterForm": "its choices come from the worklist, read with visible_to",
    "coordinator.exchange.forms.RecordForm": "its choices are the lines of one request that was read with visible_to",
    "scheduling.forms.FinderForm": "sites and people are read by the page for this user",
}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), one_world() as made:
        yield made


def load_everything() -> None:
    """Import every module of ours that may hold forms or serializers."""
    for name in OURS:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            holds = any(word in module.name for word in ("forms", "serializers", "view"))
            if holds and ".tests" not in module.name:
                importlib.import_module(module.name)


def subclasses(base: type) -> Iterator[type]:
    for child in base.__subclasses__():
        yield child
        yield from subclasses(child)


def found(base: type) -> list[type]:
    """Concrete classes of ours below `base`, by their full name."""
    load_everything()
    ours = {c for c in subclasses(base) if c.__module__.startswith(OURS) and ".tests" not in c.__module__}
    return sorted(ours, key=lambda c: (c.__module__, c.__qualname__))


def full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def handed(world: World, actor: str) -> dict[str, Any]:
    """What forms ask for, all of the own site."""
    from scheduling.models import Service

    user = world.thing(actor, world.own)
    return {
        "user": user,
        "request": None,
        "patient": world.thing("patient", world.own),
        "plan": world.thing("plan", world.own),
        "task": world.thing("task", world.own),
        "referral": world.thing("referral", world.own),
        "authorization": world.thing("authorization", world.own),
        "denial": world.thing("denial", world.own),
        "instance": world.thing("referral", world.own),
        "survivor": world.thing("patient", world.own),
        "other": world.thing("patient", world.own),
        "names": ["given_name", "coordinator"],
        "site": world.own,
        "sites": [world.own],
        "offer": offer_of(world.thing("referral", world.own), user, timezone.now()),
        "run": world.thing("table of patients", world.own),
        "people": [world.thing("practitioner", world.own)],
        "services": list(Service.objects.all()),
        "colleagues": [],
        "subject": None,
        "now": timezone.now(),
        "steps": [],
        "step": world.thing("plan", world.own).workflow.steps[0],
        "who": None,
        "data": QueryDict(""),
        "authenticator": None,
        "withheld": {"part2": 1},
    }


def build(cls: type, given: dict[str, Any]) -> forms.BaseForm:
    """The form with what its own signature asks for."""
    wanted: set[str] = set()
    for base in cls.__mro__:
        if base.__module__.startswith(OURS) and "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters.values()
            wanted |= {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
    return cls(**{name: given[name] for name in wanted - {"self"} if name in given})


FORMS = [
    cls
    for cls in found(forms.BaseForm)
    if cls.__module__ != "coordinator.accounts.sign_in" and not cls.__name__.startswith("_")
]


def kind_of(queryset: Any) -> str | None:
    label = queryset.model._meta.label
    assert label in KIND_OF or label in WITHOUT_SITE, f"{label} needs a line in KIND_OF"
    return KIND_OF.get(label)


def missing_like(key: Any) -> Any:
    return uuid.UUID(int=0) if isinstance(key, uuid.UUID) else 999_999_999


@pytest.mark.parametrize("cls", FORMS, ids=full_name)
def test_a_form_offers_and_takes_nothing_of_another_site(world, cls):
    if full_name(cls) in HANDED_IN:
        return
    form = build(cls, handed(world, Role.MANAGER))
    for name, field in form.fields.items():
        if isinstance(field, forms.ModelChoiceField):
            check_reference(world, name, field)
        elif isinstance(field, forms.ChoiceField):
            offered = {str(value) for value, _label in flat(field.choices)}
            for kind in set(KIND_OF.values()):
                assert str(world.key(kind, world.other)) not in offered or kind == "site", (
                    f"{name} offers a foreign {kind}"
                )


def flat(choices: Any) -> Iterator[tuple[Any, Any]]:
    for value, label in choices:
        if isinstance(label, (list, tuple)):
            yield from flat(label)
        else:
            yield value, label


def check_reference(world: World, name: str, field: forms.ModelChoiceField) -> None:
    kind = kind_of(field.queryset)
    if kind is None:
        return
    foreign = world.key(kind, world.other)
    several = isinstance(field, forms.ModelMultipleChoiceField)
    sentences = []
    for key in (foreign, missing_like(foreign)):
        with pytest.raises(forms.ValidationError) as refusal:
            field.clean([str(key)] if several else str(key))
        sentences.append(" ".join(refusal.value.messages).replace(str(key), "KEY"))
    assert sentences[0] == sentences[1], f"{name} tells a foreign {kind} from a missing one"


# --- the API --------------------------------------------------------------------------------------------------


INPUTS = [cls for cls in found(Strict) if cls is not Strict]


class _Request:
    def __init__(self, user: Any) -> None:
        self.user = user


def references(cls: type, user: Any) -> list[tuple[str, Any]]:
    try:
        serializer = cls(context={"request": _Request(user)})
        fields = serializer.fields
    except AssertionError:  # an abstract base without a model
        return []
    return [(name, field) for name, field in fields.items() if isinstance(field, (Visible, OwnSite))]


@pytest.mark.parametrize("cls", INPUTS, ids=full_name)
def test_an_api_input_takes_nothing_of_another_site(world, cls):
    world.client("api client")
    from coordinator.api.models import ApiClient

    user = ApiClient.objects.get(name="api client").user
    for name, field in references(cls, user):
        model = apps.get_model("accounts.Site") if isinstance(field, OwnSite) else field.source_of(user).model
        kind = KIND_OF.get(model._meta.label)
        assert kind or model._meta.label in WITHOUT_SITE, f"{model._meta.label} needs a line in KIND_OF"
        if kind is None:
            continue
        foreign = world.key(kind, world.other)
        answers = []
        for key in (foreign, missing_like(foreign)):
            with pytest.raises(ValidationError) as refusal:
                field.run_validation(str(key) if not isinstance(key, int) else key)
            answers.append(refusal.value.get_full_details())
        assert answers[0] == answers[1], f"{name} tells a foreign {kind} from a missing one"


def test_the_introspection_finds_what_it_should():
    assert len(FORMS) > 30
    named = [
        cls for cls in FORMS if any(isinstance(f, forms.ModelChoiceField) for f in cls.base_fields.values())
    ]
    assert len(named) > 8
    assert len(INPUTS) > 15


# --- the test notices -----------------------------------------------------------------------------------------


def test_a_form_that_offers_everybody_is_noticed(world):
    from coordinator.accounts.models import User

    class Careless(forms.Form):
        owner = forms.ModelChoiceField(queryset=User.objects.all())

    with pytest.raises(pytest.fail.Exception):
        check_reference(world, "owner", Careless().fields["owner"])


def test_a_form_that_tells_foreign_from_missing_is_noticed(world):
    class Telling(forms.ModelChoiceField):
        def clean(self, value: Any) -> Any:
            known = type(world.thing("patient", world.other))._default_manager.filter(pk=value).exists()
            raise forms.ValidationError("not yours" if known else "not there")

    from patients.models import Patient

    with pytest.raises(AssertionError, match="tells a foreign patient"):
        check_reference(world, "patient", Telling(queryset=Patient.objects.none()))
