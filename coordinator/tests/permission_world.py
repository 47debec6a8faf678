"""Two sites with the same things in them, a person of every role at the first, and a machine with a token."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from careplans.models import ContactAttempt
from careplans.tests.factories import (
    make_bundle,
    make_close_reason,
    make_escalation_point,
    make_goal,
    make_intervention,
    make_plan,
    make_started_bundle,
    make_task,
)
from coordinator.accounts.models import Practitioner, Site, User
from coordinator.accounts.roles import Role
from coordinator.api.models import ApiClient
from coordinator.api.permissions import SCOPES
from coordinator.api.services import create_client
from coordinator.clocks.models import Rule
from coordinator.clocks.tests.factories import make_clock, make_proposal
from coordinator.dashboard.models import SavedView
from coordinator.exchange.tests.factories import make_payer_file
from coordinator.imports.models import CaseloadImport, DirectoryImport, ImportRun
from coordinator.record.models import RecordExport
from coordinator.tests.factories import (
    make_cover,
    make_practitioner,
    make_site,
    make_team,
    make_user,
    number,
)
from coordinator.workflow import System
from patients.models import (
    Coverage,
    EligibilityCheck,
    Note,
    PatientMerge,
    PossibleDuplicate,
    Problem,
    Reconciliation,
    RelatedPerson,
)
from patients.services import merge_patients
from patients.tests.factories import make_document, make_grant, make_patient, make_phone, make_update
from referrals.tests.directory_factories import make_clinician, make_network, make_practice
from referrals.tests.factories import (
    make_appeal,
    make_attempt,
    make_authorization,
    make_delivery,
    make_denial,
    make_denial_category,
    make_inbound,
    make_letter,
    make_line,
    make_packet_of,
    make_paper,
    make_payer,
    make_payer_call,
    make_referral,
    make_requirement,
    make_talk,
)
from referrals.tests.money_factories import (
    make_aid,
    make_asked_paper,
    make_benefit,
    make_bill,
    make_bill_line,
    make_deposit,
    make_estimate,
    make_fund,
    make_payment,
    make_phrase,
)
from scheduling.models import Availability, Block
from scheduling.tests.factories import (
    make_appointment,
    make_availability,
    make_room,
    make_service,
    make_waitlist_entry,
    make_waitlist_offer,
)

ANONYMOUS, API, API_WITHOUT_SCOPES = "anonymous", "api client", "api client without scopes"
PEOPLE = tuple(role for role in Role.values if role != Role.API_CLIENT)
ACTORS = (ANONYMOUS, *PEOPLE, API, API_WITHOUT_SCOPES)
SOON, HOUR = datetime.timedelta(days=3), datetime.timedelta(hours=1)


class World:
    """Makes what a test asks for, once per site."""

    def __init__(self, own: Site | None = None, other: Site | None = None) -> None:
        self.own, self.other = own or make_site(name="Own"), other or make_site(name="Other")
        self._made: dict[tuple[str, Any], Any] = {}

    def thing(self, kind: str, site: Site) -> Any:
        key = (kind, site.pk)
        if key not in self._made:
            self._made[key] = MAKERS[kind](self, site)
        return self._made[key]

    def key(self, kind: str, site: Site) -> Any:
        """What stands in the address: a primary key, or the word itself for makers of words."""
        made = self.thing(kind, site)
        return getattr(made, "pk", made)

    @cached_property
    def administrator(self) -> User:
        return make_user(Role.ADMINISTRATOR, site=self.own)

    def client(self, actor: str) -> Client:
        """A browser (or a program) of this actor, who belongs to the own site."""
        if actor in (API, API_WITHOUT_SCOPES):
            return Client(
                headers={"Authorization": f"Bearer {self._token(actor)}"}, raise_request_exception=False
            )
        client = Client(raise_request_exception=False)
        if actor != ANONYMOUS:
            client.cookies[settings.SESSION_COOKIE_NAME] = self._session(actor)
        return client

    def _session(self, actor: str) -> str:
        """One sign-in per person; what a request does to it is taken back with the request."""
        key = ("session", actor)
        if key not in self._made:
            client = Client()
            client.force_login(self.thing(actor, self.own))
            self._made[key] = client.cookies[settings.SESSION_COOKIE_NAME].value
        return self._made[key]

    def _token(self, actor: str) -> str:
        key = ("token", actor)
        if key not in self._made:
            machine, self._made[key] = create_client(
                name=actor, sites=[self.own], scopes=SCOPES, by=self.administrator, now=timezone.now()
            )
            if actor == API_WITHOUT_SCOPES:
                ApiClient.objects.filter(pk=machine.pk).update(scopes=[])
        return self._made[key]


@contextlib.contextmanager
def one_world() -> Iterator[World]:
    """A world for all tests of a file, in a transaction that is taken back at the end."""
    with transaction.atomic():
        yield World()
        transaction.set_rollback(True)


def _colleague(role: str, site: Site) -> User:
    """Somebody whose second factor is set up."""
    user = make_user(role, site=site)
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    return user


def _noon() -> datetime.datetime:
    return timezone.now().replace(hour=18, minute=0, second=0, microsecond=0) + SOON


def _hours(practitioner: Any) -> Availability:
    make_availability(practitioner, weekdays=(0,))
    return Availability.objects.get(practitioner=practitioner)


def _block(world: World, site: Site, **fields: Any) -> Block:
    return Block.objects.create(
        site=site,
        practitioner=world.thing("practitioner", site),
        starts_at=_noon(),
        ends_at=_noon() + HOUR,
        reason="Leave",
        **fields,
    )


def _account(world: World) -> User:
    """The account that the program acts as."""
    world.client(API)
    return User.objects.get(api_client__name=API)


def _practitioner_of(world: World, site: Site) -> Practitioner:
    """The provider's own entry in the directory."""
    user = world.thing(Role.PROVIDER, site)
    if user.practitioner is None:
        user.practitioner = make_practitioner(site=site)
        user.save()
    return user.practitioner


def _patient_of(kind: Callable[..., Any]) -> Callable[[World, Site], Any]:
    return lambda world, site: kind(world.thing("patient", site))


def _pair(site: Site, **fields: Any) -> PossibleDuplicate:
    one, two = sorted((make_patient(site=site), make_patient(site=site)), key=lambda patient: patient.pk)
    return PossibleDuplicate.objects.create(one=one, two=two, points=12, **fields)


def _merge(site: Site) -> PatientMerge:
    one, two = make_patient(site=site), make_patient(site=site)
    return merge_patients(
        survivor_id=one.pk,
        other_id=two.pk,
        choices={},
        reason="Same person",
        by=System("test"),
        now=timezone.now(),
    )


MAKERS: dict[str, Callable[[World, Site], Any]] = {
    **{role: (lambda world, site, role=role: _colleague(role, site)) for role in PEOPLE},
    # A key that no hour, tier or weekday of a form can be mistaken for.
    "colleague": lambda world, site: make_user(Role.COORDINATOR, site=site, id=70_000_000 + next(number)),
    "site": lambda world, site: site,
    "escalation point": lambda world, site: make_escalation_point(),
    "close reason": lambda world, site: make_close_reason(),
    "bundle": lambda world, site: make_bundle(),
    "bundle item": lambda world, site: make_bundle().items.get(),
    "started bundle": lambda world, site: make_started_bundle(world.thing("patient", site)),
    "team": lambda world, site: make_team(site),
    "practitioner": lambda world, site: make_practitioner(site=site),
    "room": lambda world, site: make_room(site),
    "patient": lambda world, site: make_patient(site=site),
    "access to review": lambda world, site: make_grant(
        world.thing("patient", site), world.thing("colleague", site)
    ),
    "pair": lambda world, site: _pair(site),
    "merge": lambda world, site: _merge(site),
    "pair said to be different": lambda world, site: _pair(site, state="different", reason="Twins"),
    "plan": lambda world, site: make_plan(world.thing("patient", site), program="CCM"),
    "goal": lambda world, site: make_goal(world.thing("plan", site)),
    "intervention": lambda world, site: make_intervention(world.thing("goal", site)),
    "task": _patient_of(make_task),
    "clock": lambda world, site: make_clock(subject=world.thing("task", site)),
    "rule": lambda world, site: Rule.objects.get(key="referral.report"),
    "rule proposal": lambda world, site: make_proposal(
        Rule.objects.exclude(proposals__decision="").latest("key").key
    ),
    "referral": _patient_of(make_referral),
    "packet": lambda world, site: make_packet_of(world.thing("referral", site)),
    "delivery": lambda world, site: make_delivery(world.thing("referral", site)),
    "attempt to reach": lambda world, site: make_attempt(world.thing("referral", site)),
    "authorization": _patient_of(make_authorization),
    "denial": lambda world, site: make_denial(world.thing("authorization", site)),
    "denial category": lambda world, site: make_denial_category(),
    "peer-to-peer": lambda world, site: make_talk(world.thing("denial", site)),
    "appeal": lambda world, site: make_appeal(world.thing("denial", site)),
    "appeal letter": lambda world, site: make_letter(world.thing("denial", site)),
    "authorization line": lambda world, site: make_line(world.thing("authorization", site)),
    "authorization paper": lambda world, site: make_paper(world.thing("authorization", site)),
    "payer call": lambda world, site: make_payer_call(world.thing("authorization", site)),
    "requirement answer": lambda world, site: make_requirement(world.thing("authorization", site)),
    "payer": lambda world, site: make_payer(),
    "practice": lambda world, site: make_practice(),
    "practice network": lambda world, site: make_network(),
    "practice clinician": lambda world, site: make_clinician(),
    "directory import": lambda world, site: DirectoryImport.objects.create(
        source="Acme of CT",
        started_by=world.thing(Role.MANAGER, site),
        created_at=timezone.now(),
    ),
    "fund": lambda world, site: make_fund(),
    "deposit": lambda world, site: make_deposit(make_fund()),
    "phrase": lambda world, site: make_phrase(),
    "aid application": _patient_of(make_aid),
    "benefit application": _patient_of(make_benefit),
    "bill": _patient_of(make_bill),
    "estimate": _patient_of(make_estimate),
    "bill line": lambda world, site: make_bill_line(world.thing("bill", site)),
    "asked paper": lambda world, site: make_asked_paper(world.thing("aid application", site)),
    "payment": lambda world, site: make_payment(world.thing("patient", site)),
    "payer file": lambda world, site: make_payer_file(authorization=world.thing("authorization", site)),
    "incoming paper": lambda world, site: make_inbound(site),
    "cover": lambda world, site: make_cover(
        world.thing(Role.COORDINATOR, site), make_user(Role.COORDINATOR, site=site)
    ),
    "saved view": lambda world, site: SavedView.objects.create(
        user=world.thing(Role.COORDINATOR, site), page="my_work", name="Mine", query="kind=call"
    ),
    "note": lambda world, site: Note.objects.create(
        patient=world.thing("patient", site), body="Feet swollen"
    ),
    "note for the provider": lambda world, site: Note.objects.create(
        patient=world.thing("patient", site), body="Please look", report_to=_practitioner_of(world, site)
    ),
    "document": _patient_of(make_document),
    "document in error": lambda world, site: make_document(
        world.thing("patient", site), status="entered_in_error", error_reason="Another person's"
    ),
    "provider update": lambda world, site: make_update(
        world.thing("patient", site), report_to=_practitioner_of(world, site)
    ),
    "reconciliation": lambda world, site: Reconciliation.objects.create(
        patient=world.thing("patient", site),
        list="medicines",
        with_whom="patient",
        compared_at=timezone.now(),
    ),
    "contact": lambda world, site: ContactAttempt.objects.create(
        patient=world.thing("patient", site), outcome="no_answer", reached=False, at=timezone.now()
    ),
    "coverage": lambda world, site: Coverage.objects.create(
        patient=world.thing("patient", site), payer_name="Medicare"
    ),
    "coverage check": lambda world, site: EligibilityCheck.objects.create(
        patient=world.thing("patient", site),
        coverage=world.thing("coverage", site),
        method="portal",
        result="active",
        checked_at=timezone.now(),
    ),
    "problem": lambda world, site: Problem.objects.create(
        patient=world.thing("patient", site), name="Heart failure"
    ),
    "related person": lambda world, site: RelatedPerson.objects.create(
        patient=world.thing("patient", site), name="Luz Marsh", relationship="daughter"
    ),
    "contact point": lambda world, site: make_phone(
        world.thing("patient", site), f"+1612555{next(number):04d}"
    ),
    "service": lambda world, site: make_service(),
    "hours": lambda world, site: _hours(world.thing("practitioner", site)),
    "block": lambda world, site: _block(world, site),
    "block of the client": lambda world, site: _block(world, site, created_by=_account(world)),
    "record export": lambda world, site: RecordExport.objects.create(
        patient=world.thing("patient", site),
        asked_by=world.thing(Role.COORDINATOR, site),
        kind="pdf",
        purpose="patient",
        created_at=timezone.now(),
    ),
    "table of patients": lambda world, site: CaseloadImport.objects.create(
        site=site,
        started_by=world.thing(Role.LEAD, site),
        asked_by=world.thing(Role.LEAD, site),
        created_at=timezone.now(),
        label="caseload.csv",
        kind="csv",
        facts={"header": ["Last name", "DOB"], "samples": [[], []], "dates": {}, "rows": 1},
        columns={"family_name": 0, "birth_date": 1},
        status="stopped",
    ),
    "import": lambda world, site: ImportRun.objects.create(kind="fhir", site=site, created_at=timezone.now()),
    "api client of a lab": lambda world, site: create_client(
        name=f"Lab {site}", sites=[site], scopes=SCOPES, by=world.administrator, now=timezone.now()
    )[0],
    "waitlist entry": lambda world, site: make_waitlist_entry(world.thing("patient", site)),
    "waitlist offer": lambda world, site: make_waitlist_offer(
        make_waitlist_entry(world.thing("patient", site), status="offered")
    ),
    "appointment": lambda world, site: make_appointment(
        world.thing("patient", site), start=timezone.now().replace(minute=0, second=0, microsecond=0) + SOON
    ),
}
