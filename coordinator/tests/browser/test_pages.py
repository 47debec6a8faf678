"""Every main page in a real browser: light and dark, wide and tablet, no accessibility violation."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from careplans.models import Bundle, CarePlan, Task
from coordinator.accounts.models import Delegation, User
from coordinator.clocks.models import RuleProposal
from coordinator.exchange.models import PayerFile
from coordinator.imports.models import CaseloadImport, DirectoryImport
from coordinator.imports.services.directory import check_directory
from coordinator.imports.tests.plan_net_files import plan_net_bundle
from coordinator.tests.browser.conftest import SCREENSHOTS, credentials, photograph, violations
from coordinator.tests.factories import make_cover
from patients.models import (
    AccessGrant,
    Coverage,
    Document,
    Patient,
    PatientMerge,
    PossibleDuplicate,
    ProviderUpdate,
)
from patients.services import add_documents, link_document, merge_patients
from patients.services.previews import make_waiting_previews
from patients.tests.factories import make_document, make_grant, restrict
from patients.tests.files import make_pdf, upload
from referrals.models import (
    AidApplication,
    Bill,
    Denial,
    Fund,
    InboundDocument,
    Payer,
    Practice,
    PriorAuthorization,
    Referral,
    ReferralPacket,
)
from referrals.rules.secure_links import secret_of
from referrals.services.deliveries import send_packet
from referrals.services.inbound import read_waiting_inbound
from scheduling.models import Appointment, Block, WaitlistEntry

PAGES = [
    ("sign-in", "", "/accounts/login/"),
    ("my-work", "coordinator", "/"),
    ("my-work-task", "coordinator", "/?view=todo&task={task}"),
    ("my-work-pool", "coordinator", "/?view=pool"),
    ("my-work-patients", "coordinator", "/?view=todo&group=patient"),
    ("call-list", "coordinator", "/work/call-list/?view=todo"),
    ("task", "coordinator", "/plans/tasks/{task}/"),
    ("task-new", "coordinator", "/plans/tasks/new/"),
    ("task-edit", "coordinator", "/plans/tasks/{task}/edit/"),
    ("task-log", "coordinator", "/plans/tasks/{task}/log/"),
    ("plans", "coordinator", "/plans/"),
    ("plan", "coordinator", "/plans/{plan}/"),
    ("plan-goal", "coordinator", "/plans/{plan}/add/goal/"),
    ("patients", "coordinator", "/patients/"),
    ("patient", "coordinator", "/patients/{patient}/"),
    ("details", "coordinator", "/patients/{patient}/details/"),
    ("documents", "coordinator", "/patients/{papers}/documents/"),
    ("document-new", "coordinator", "/patients/{papers}/documents/new/"),
    ("document", "coordinator", "/patients/documents/{document}/"),
    ("document-edit", "coordinator", "/patients/documents/{document}/edit/"),
    ("record-search", "coordinator", "/search/notes-and-documents/"),
    ("consent", "coordinator", "/patients/{patient}/add/consent/"),
    ("notes", "coordinator", "/patients/{patient}/notes/"),
    ("reconcile", "coordinator", "/patients/{patient}/reconcile/medicines/"),
    ("coverage-check", "coordinator", "/patients/coverage/{coverage}/check/"),
    ("provider-update", "coordinator", "/patients/updates/{update}/"),
    ("contact", "coordinator", "/patients/{patient}/contact/"),
    ("safe-contact", "coordinator", "/patients/{patient}/add/safety/"),
    ("protected-entries", "coordinator", "/patients/{patient}/protected/"),
    ("paper-for-the-patient", "coordinator", "/patients/{patient}/print/"),
    ("duplicates", "lead", "/patients/duplicates/"),
    ("duplicate-apart", "lead", "/patients/duplicates/{pair}/apart/"),
    ("duplicate-merge", "lead", "/patients/duplicates/{pair}/merge/"),
    ("duplicate-merged", "lead", "/patients/duplicates/merged/?{merge}"),
    ("duplicate-take-apart", "lead", "/patients/duplicates/merged/{merge}/apart/"),
    ("restriction", "lead", "/patients/{patient}/restriction/"),
    ("emergency-access", "coordinator", "/patients/restricted/"),
    ("under-emergency-access", "coordinator", "/patients/{opened}/"),
    ("access-reviews", "manager", "/access/{opened}"),
    ("access-review", "manager", "/access/{grant}/"),
    ("saved-views", "coordinator", "/work/views/"),
    ("new-task", "coordinator", "/plans/tasks/new/"),
    ("transfer", "manager", "/team/transfer/"),
    ("reasons", "manager", "/plans/setup/reasons/"),
    ("escalation", "manager", "/plans/setup/escalation/"),
    ("escalation-new", "manager", "/plans/setup/escalation/new/"),
    ("bundles", "manager", "/plans/setup/bundles/"),
    ("start-bundle", "coordinator", "/plans/bundles/for/{patient}/?bundle={bundle}&anchor_on=2026-11-25"),
    ("schedule", "coordinator", "/schedule/"),
    ("no-shows", "coordinator", "/schedule/no-shows/"),
    ("provider-away", "coordinator", "/schedule/away/"),
    ("visits-to-move", "coordinator", "/schedule/away/{away}/"),
    ("visit-move", "coordinator", "/schedule/visits/{visit}/move/"),
    ("waitlist", "coordinator", "/schedule/waitlist/"),
    ("waitlist-new", "coordinator", "/schedule/waitlist/new/?patient={patient}"),
    ("waitlist-entry", "coordinator", "/schedule/waitlist/{wait}/"),
    ("referrals", "coordinator", "/referrals/"),
    ("referral-board", "coordinator", "/referrals/board/"),
    ("authorizations", "coordinator", "/referrals/authorizations/"),
    ("authorization", "coordinator", "/referrals/authorizations/{pended}/"),
    ("authorization-new", "coordinator", "/referrals/authorizations/new/?patient={patient}"),
    ("authorization-decision", "coordinator", "/referrals/authorizations/{pended}/do/decide/"),
    ("denial", "coordinator", "/referrals/denials/{denial}/"),
    ("denial-letter", "coordinator", "/referrals/denials/{denial}/letter/"),
    ("appeal-new", "coordinator", "/referrals/denials/{denial}/appeal/"),
    ("denied-authorization", "coordinator", "/referrals/authorizations/{denied}/"),
    ("approved-authorization", "coordinator", "/referrals/authorizations/{approved}/"),
    ("denial-outcomes", "manager", "/referrals/denial-outcomes/"),
    ("denial-reasons", "manager", "/referrals/denial-reasons/"),
    ("payer-list", "manager", "/referrals/authorizations/setup/needed/"),
    ("directory", "coordinator", "/referrals/directory/"),
    ("practice", "coordinator", "/referrals/directory/{practice}/"),
    ("practice-edit", "coordinator", "/referrals/directory/{practice}/edit/"),
    ("payer", "manager", "/referrals/directory/payers/{payer}/"),
    ("import-directory", "manager", "/imports/directory/{directory}/"),
    ("funds", "manager", "/referrals/money/"),
    ("fund", "manager", "/referrals/money/funds/{fund}/"),
    ("money", "coordinator", "/patients/{patient}/money/"),
    ("bill", "coordinator", "/referrals/money/bill/{bill}/"),
    ("aid", "coordinator", "/referrals/money/aid/{aid}/"),
    ("aid-new", "coordinator", "/referrals/money/aid/new/?patient={patient}"),
    ("dollars-found", "manager", "/referrals/money/found/"),
    ("incoming", "coordinator", "/referrals/incoming/"),
    ("incoming-new", "coordinator", "/referrals/incoming/new/"),
    ("incoming-paper", "coordinator", "/referrals/incoming/{inbound}/"),
    ("payer-files", "coordinator", "/referrals/exchange/"),
    ("payer-file", "coordinator", "/referrals/exchange/{file}/"),
    ("closing-the-loop", "manager", "/referrals/closing-the-loop/"),
    ("referral", "coordinator", "/referrals/{referral}/"),
    ("referral-new", "coordinator", "/referrals/new/?patient={patient}&kind=social"),
    ("referral-attempt", "coordinator", "/referrals/{referral}/attempts/new/?whom=recipient"),
    ("referral-report", "coordinator", "/referrals/{referral}/step/complete/"),
    ("packet-new", "coordinator", "/packets/referrals/{referral}/new/"),
    ("referral-send", "coordinator", "/referrals/{referral}/send/"),
    ("shared-link", "", "/shared/?k={secret}"),
    ("leave", "coordinator", "/leave/"),
    ("leave-new", "manager", "/leave/new/"),
    ("leave-sheet", "coordinator", "/leave/{cover}/"),
    ("team", "manager", "/team/"),
    ("loop-board", "manager", "/team/loops/?period=365"),
    ("authorization-board", "manager", "/team/authorizations/?period=365"),
    ("report-card", "manager", "/team/report-card/"),
    ("report-card-payer", "manager", "/team/report-card/{payer}/"),
    ("published-file", "manager", "/team/report-card/file/"),
    ("runs", "manager", "/runs/"),
    ("rules", "manager", "/rules/"),
    ("rule", "manager", "/rules/{rule}/"),
    ("rule-propose", "manager", "/rules/{rule}/propose/"),
    ("rule-proposal", "manager", "/rules/proposals/{proposal}/"),
    ("why-this-date", "coordinator", "/clocks/{clock}/why/"),
    ("why-this-typed-date", "coordinator", "/plans/tasks/{typed}/why/"),
    ("silent", "manager", "/runs/{place}/silent/"),
    ("imports", "administrator", "/imports/"),
    ("import-patients", "lead", "/imports/patients/"),
    ("import-columns", "lead", "/imports/patients/{table}/columns/"),
    ("import-checked", "lead", "/imports/patients/{table}/"),
    ("record-export", "coordinator", "/records/patients/{patient}/"),
    ("audit", "auditor", "/audit/"),
]


# What everybody has open all day is looked at in every way, a form behind it in three.
DAILY = {
    "sign-in",
    "my-work",
    "patients",
    "patient",
    "schedule",
    "referrals",
    "team",
    "runs",
    "imports",
    "audit",
}
LOOKS = [
    ("en", 1440, 900, "light"),
    ("en", 820, 1180, "dark"),
    ("es", 1280, 900, "light"),
]
MORE_LOOKS = [
    ("en", 1440, 900, "dark"),
    ("en", 820, 1180, "light"),
    ("en", 390, 844, "light"),
]


def looks_of(name: str) -> list[tuple[str, int, int, str]]:
    """A form is looked at on a tablet in the dark and in Spanish; when photographs are asked for, also as it opens."""
    if name in DAILY:
        return MORE_LOOKS + LOOKS
    return LOOKS if SCREENSHOTS else LOOKS[1:]


def merge_a_pair() -> PatientMerge:
    pair = PossibleDuplicate.objects.earliest("points")
    return merge_patients(
        survivor_id=pair.one_id,
        other_id=pair.two_id,
        choices={},
        reason="Called: one person",
        by=User.objects.filter(role="lead").first(),
        now=timezone.now(),
    )


def away_on_thursday() -> Block:
    """The demo's first provider is out from the day after tomorrow on, with visits booked."""
    now = timezone.now()
    visit = Appointment.objects.filter(
        status="booked",
        start__gt=now + timedelta(days=2),
        practitioner__isnull=False,
        site__name__startswith="R",
    ).earliest("start")
    return Block.objects.create(
        site=visit.site,
        practitioner=visit.practitioner,
        starts_at=visit.start,
        ends_at=visit.start + timedelta(days=5),
        reason="Ill",
    )


def read_in(page: Page, language: str) -> None:
    if (page.locator("html").get_attribute("lang") or "").startswith(language):
        return
    speak(page, language)
    page.reload()
    assert page.locator("html").get_attribute("lang") == language


def speak(page: Page, language: str) -> None:
    """The language of what is loaded next."""
    User.objects.update(language=language)
    page.set_extra_http_headers({"Accept-Language": language})


def opened_in_an_emergency() -> AccessGrant:
    """A restricted record that the coordinator of the demo opened just now."""
    patient = Patient.objects.get(family_name="Alvarez", given_name="Maria")
    manager = User.objects.filter(role="manager", sites=patient.site).first()
    coordinator = User.objects.get(email=credentials("coordinator")[0])
    restrict(patient, manager, coordinator=manager)
    return make_grant(patient, coordinator)


def papers() -> Document:
    """A patient's documents of every look; answers the one that is looked at."""
    patient = Patient.objects.get(family_name="Alvarez", given_name="Maria")
    dana = User.objects.get(email=credentials("coordinator")[0])
    today = timezone.localdate()
    for kind, title, days in (
        ("insurance", "HealthNorth Plus card", -20),
        ("consent", "Consent to care management services, signed at the first visit", 12),
        ("directive", "Advance directive", 400),
    ):
        make_document(
            patient, kind=kind, title=title, expires_on=today + timedelta(days=days), created_by=dana
        )
    (echo,) = add_documents(
        patient_id=patient.pk,
        files=[upload("echo.pdf", make_pdf("Ejection fraction 45 percent", "Feet swollen since Monday"))],
        by=dana,
        now=timezone.now(),
        kind="report",
        title="Echocardiogram",
        tags=["cardiology", "signed"],
        source="Lakeside Cardiology, by fax",
        received_on=today,
    )
    make_waiting_previews()
    referral = Referral.objects.filter(patient=patient).first()
    if referral:
        link_document(
            document_id=echo.pk, kind="referral", target_id=referral.pk, by=dana, now=timezone.now()
        )
    return echo


def read_paper() -> InboundDocument:
    """The demo's oldest incoming paper, as the worker leaves it."""
    read_waiting_inbound()
    return InboundDocument.objects.earliest("received_at")


def shared_secret() -> str:
    """What stands in the link to the demo's packet, as the mail has it."""
    packet = ReferralPacket.objects.latest("at")
    delivery = send_packet(
        referral_id=packet.referral_id,
        number=packet.number,
        channel="email",
        recipient="Mercy Cardiology",
        address="desk@mercy.example",
        again_reason="They asked for it by e-mail as well",
        by=User.objects.get(email=credentials("coordinator")[0]),
        now=timezone.now(),
    )
    return secret_of(delivery.pk, settings.SECRET_KEY)


def on_leave() -> Delegation:
    """The coordinator of the demo is away, and a colleague of the same place stands in."""
    person = User.objects.get(email=credentials("coordinator")[0])
    others = User.objects.assignable().filter(sites__in=person.site_ids).exclude(pk=person.pk)
    return make_cover(person, others.order_by("pk").first())


def checked_table() -> CaseloadImport:
    """A table of three rows: somebody new, somebody who may be here, and one that cannot be imported."""
    patient = Patient.objects.get(family_name="Alvarez", given_name="Maria")
    lead = User.objects.get(email=credentials("lead")[0])
    table = CaseloadImport.objects.create(
        site=patient.site,
        started_by=lead,
        asked_by=lead,
        created_at=timezone.now(),
        label="caseload-north.csv",
        kind="csv",
        encoding="Windows-1252",
        delimiter=";",
        facts={
            "header": ["Last name", "First name", "DOB", "Phone"],
            "samples": [["Alvarez", "Ng"], ["Maria", "Bo"], ["03/04/1958"], ["(612) 555-0143"]],
            "dates": {"2": ["", "03/04/1958"]},
            "rows": 3,
        },
        columns={"family_name": 0, "given_name": 1, "birth_date": 2, "mobile_phone": 3},
        status="checked",
    )
    table.upload.name = "imports/none.csv"
    table.save()
    here = {"family_name": "Alvarez", "given_name": "Maria", "birth_date": "1958-03-04"}
    table.rows.create(line=2, finding="double", values=here, doubles=[[str(patient.pk), 14.5]])
    table.rows.create(line=3, finding="new", values={"family_name": "Ng", "given_name": "Bo"})
    table.rows.create(line=4, finding="bad", problems=[["birth_date", "This date does not exist."]])
    return table


def coordinator() -> User:
    return User.objects.get(email=credentials("coordinator")[0])


def own_task() -> Task:
    """A task on the coordinator's own list, about a patient."""
    mine = Task.objects.visible_to(coordinator()).workable().filter(owner=coordinator())
    return mine.filter(patient__isnull=False).first()


def looked_through() -> DirectoryImport:
    """A payer's directory of two places, looked through and not applied yet."""
    manager = User.objects.get(email=credentials("manager")[0])
    return check_directory(
        source="Acme of CT", files=[("acme.json", plan_net_bundle())], by=manager, now=timezone.now()
    )


def dated() -> dict[str, object]:
    """A rule with a change that waits, a clock of a referral, a task that somebody dated, and their place."""
    proposal = RuleProposal.objects.waiting().first()
    referral = Referral.objects.filter(clock__state="running").earliest("due_at")
    typed = Task.objects.open().filter(clock=None, due_at__isnull=False, site=referral.site).first()
    return {
        "rule": proposal.rule_id,
        "proposal": proposal.pk,
        "clock": referral.clock_id,
        "typed": typed.pk,
        "place": referral.site_id,
    }


def together(size: int = 6) -> list[tuple[str, list[tuple[str, str]]]]:
    """Pages of one role, a few at a time: the clinic is copied and the role signs in once for all of them.

    What an emergency opens changes the record that other pages show, so it stands alone.
    """
    groups: list[tuple[str, list[tuple[str, str]]]] = []
    open_groups: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for name, role, address in PAGES:
        alone = "{opened}" in address or "{grant}" in address
        group = open_groups.get((role, alone))
        if group is None or len(group) == size:
            group = open_groups[role, alone] = []
            groups.append((role, group))
        group.append((name, address))
    return groups


GROUPS = together()


def address_in(clinic: dict[str, Any], role: str, address: str) -> str:
    """The address with the records it names, each made when it is first asked for."""
    makers: dict[str, Callable[[], Any]] = {
        "patient": lambda: Patient.objects.get(family_name="Alvarez", given_name="Maria").pk,
        "task": lambda: own_task().pk,
        "plan": lambda: CarePlan.objects.visible_to(coordinator()).first().pk,
        "bundle": lambda: Bundle.objects.get(name="After discharge").pk,
        "document": lambda: papers().pk,
        "papers": lambda: Document.objects.get(pk=known("document")).patient_id,
        "coverage": lambda: Coverage.objects.filter(status="active").first().pk,
        "update": lambda: ProviderUpdate.objects.first().pk,
        "table": lambda: checked_table().pk,
        "pair": lambda: PossibleDuplicate.objects.latest("points").pk,
        "merge": lambda: merge_a_pair().pk,
        "cover": lambda: on_leave().pk,
        "pended": lambda: PriorAuthorization.objects.get(status="pended").pk,
        "denial": lambda: Denial.objects.get().pk,
        "denied": lambda: Denial.objects.get().authorization_id,
        "approved": lambda: (
            PriorAuthorization.objects.filter(status="approved", appointments__isnull=False).first().pk
        ),
        **{
            name: (lambda name=name: dated()[name])
            for name in ("rule", "proposal", "clock", "typed", "place")
        },
        "practice": lambda: Practice.objects.get(name="Mercy Cardiology").pk,
        "payer": lambda: Payer.objects.get(name="HealthNorth Plus").pk,
        "directory": lambda: looked_through().pk,
        "fund": lambda: Fund.objects.order_by("-money_in").first().pk,
        "bill": lambda: Bill.objects.get(amount=412).pk,
        "aid": lambda: AidApplication.objects.get(status="awarded").pk,
        "away": lambda: away_on_thursday().pk,
        "visit": lambda: (
            Appointment.objects.upcoming(timezone.now())
            .filter(site__in=coordinator().site_ids, is_outside=False)
            .earliest("start")
            .pk
        ),
        "wait": lambda: WaitlistEntry.objects.earliest("since").pk,
        "file": lambda: PayerFile.objects.get(status="matched").pk,
        "referral": lambda: Referral.objects.get(patient__family_name="Olsen", specialty="Cardiology").pk,
        "inbound": lambda: read_paper().pk,
        "secret": lambda: shared_secret(),
        "grant": lambda: opened_in_an_emergency().pk,
        "opened": lambda: (
            ""
            if role == "manager" and known("grant")
            else AccessGrant.objects.get(pk=known("grant")).patient_id
        ),
    }

    def known(name: str) -> Any:
        if name not in clinic:
            clinic[name] = makers[name]()
        return clinic[name]

    return address.format(**{name: known(name) for name in re.findall(r"{(\w+)}", address)})


@pytest.mark.parametrize(
    ("role", "pages"), GROUPS, ids=["+".join(name for name, _address in pages) for _role, pages in GROUPS]
)
def test_no_page_has_an_accessibility_violation_or_scrolls_sideways(open_page, role, pages):
    page = open_page(role)
    found: list[str] = []
    clinic: dict[str, Any] = {}
    for name, address in pages:
        speak(page, "en")
        answer = page.goto(address_in(clinic, role, address))
        assert answer.status == 200, name
        if name in DAILY:  # these ask for parts of themselves after they are there
            page.wait_for_load_state("networkidle")
        assert page.locator("h1").count() == 1, name
        found += [f"{name}, {line}" for line in seen_in_every_look(page, name)]
    assert found == []


def seen_in_every_look(page: Page, name: str) -> list[str]:
    """What is wrong with the page that is open, per look."""
    found = []
    for language, width, height, scheme in looks_of(name):
        read_in(page, language)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        photograph(
            page, f"{name}-{width}-{scheme}" if language == "en" else f"{name}-{width}-{scheme}-{language}"
        )
        if (
            name in DAILY or language == "en"
        ):  # in Spanish a page is as it is in English, but its words are longer
            found += [f"{language} {width} {scheme}: {line}" for line in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{language} {width} {scheme}: scrolls sideways")
    return found
