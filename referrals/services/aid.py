"""Aid applications: from a draft with its papers to a decision, payments, and money that goes back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site
from coordinator.db import lock
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, NotAllowed, person, record_edit
from patients.models import Document, Patient
from referrals.models import AidApplication, AskedPaper, Award, BenefitApplication, Bill, Fund, Spend
from referrals.money_workflow import AidStatus
from referrals.rules.money import period_of
from referrals.selectors.money import same_applications
from referrals.services import funds
from referrals.services.guard import check_guard, keep_answer
from referrals.services.money import (
    begin_followed,
    check_document,
    lock_followed,
    missing_papers,
    step_followed,
    withdraw_replaced,
)


@transaction.atomic
def apply_for_aid(
    *,
    patient: Patient,
    fund: Fund,
    asked_amount: Decimal,
    purpose: str,
    by: Actor,
    now: datetime,
    bill: Bill | None = None,
    duplicate_reason: str = "",
    replaces: AidApplication | None = None,
) -> AidApplication:
    """A draft with the papers that the fund asks for.

    Refuses (Conflict, with `similar`) when the patient has asked this fund in this period already, unless
    `duplicate_reason` says why to go on, or it `replaces` that one, which is withdrawn. Either answer is counted.
    Raises ValidationError for an amount beyond the fund's limit.
    """
    # With the fund's row locked, two people at once see each other's application.
    fund = lock(Fund.objects, fund.pk)
    funds.check_amount(asked_amount, "asked_amount")
    if not fund.is_active:
        raise ValidationError({"fund": _("This fund gives nothing at present.")})
    if bill is not None and bill.patient_id != patient.pk:
        raise ValidationError({"bill": _("Choose a bill of this patient.")})
    _check_limit(fund, asked_amount, "asked_amount")
    period = period_of(fund.period, now.astimezone(patient.site.tzinfo).date())
    similar = same_applications(patient=patient, fund=fund, period=period, by=by)
    words = _("This patient has already asked this fund in this period.")
    shown = check_guard(similar, words, reason=duplicate_reason, replaces=replaces)
    application = AidApplication(
        patient=patient,
        fund=fund,
        bill=bill,
        period=period,
        purpose=purpose.strip(),
        asked_amount=asked_amount,
    )
    facts: dict[str, Any] = {"duplicate_reason": duplicate_reason} if similar and duplicate_reason else {}
    begin_followed(application, by=by, now=now, **facts)
    keep_answer("application", application, shown, reason=duplicate_reason, replaces=replaces, by=by, now=now)
    if replaces is not None:
        withdraw_replaced(application, replaces, step_application, "application_id", by=by, now=now)
    AskedPaper.objects.bulk_create(
        AskedPaper(application=application, position=n, name=name[:160], created_by=person(by))
        for n, name in enumerate(fund.paper_list, 1)
    )
    return application


def _check_limit(fund: Fund, amount: Decimal, name: str) -> None:
    if fund.limit_per_patient is not None and amount > fund.limit_per_patient:
        raise ValidationError(
            {
                name: _("%(fund)s gives at most %(limit)s dollars to one patient in a period.")
                % {"fund": fund.name, "limit": fund.limit_per_patient}
            }
        )


def _check_limit_of_period(fund: Fund, application: AidApplication, amount: Decimal) -> None:
    """What was given in this period and is not released counts as well."""
    given = Award.objects.filter(
        fund=fund, application__patient=application.patient_id, application__period=application.period
    )
    kept = sum((award.paid if award.released_on else award.amount for award in given), Decimal(0))
    _check_limit(fund, kept + amount, "awarded_amount")


@transaction.atomic
def submit_application(
    *, application_id: UUID, by: Actor, now: datetime, without_papers: str = ""
) -> AidApplication:
    """Send it to the fund. Missing papers are named and refused, unless `without_papers` says why to go on."""
    application = lock_followed(AidApplication, application_id, by, "fund")
    missing = missing_papers(application)
    if missing and not without_papers.strip():
        raise ValidationError(
            {
                "without_papers": _("Missing: %(papers)s. Attach them, or say why it goes without them.")
                % {"papers": "; ".join(missing)}
            }
        )
    return step_followed(application, "submit", by=by, now=now, without_papers=without_papers.strip()[:250])


@transaction.atomic
def decide_application(
    *,
    application_id: UUID,
    awarded: bool,
    decided_by: str,
    decided_on: date,
    by: Actor,
    now: datetime,
    awarded_amount: Decimal | None = None,
    expires_on: date | None = None,
    reason: str = "",
) -> AidApplication:
    """The fund's answer, with who gave it and when. An award is reserved in the fund until `expires_on` (by default
    the fund's own number of days). Raises NotAllowed when the fund has not that much."""
    fund = _lock_fund_of(application_id)
    application = lock_followed(AidApplication, application_id, by, "fund")
    said: dict[str, Any] = {"decided_by": decided_by.strip(), "decided_on": decided_on}
    if not awarded:
        return step_followed(application, "refuse", by=by, now=now, reason=reason, **said)
    if application.workflow.find("award", application.status) is None:
        return step_followed(application, "award", by=by, now=now)  # refuses with the sentence for it
    until = expires_on or decided_on + timedelta(days=fund.holds_days)
    if until < _today(application, now):
        raise ValidationError({"expires_on": _("This day is past. Choose a day from today on.")})
    funds.check_amount(awarded_amount, "awarded_amount")
    amount = awarded_amount or Decimal(0)
    _check_limit_of_period(fund, application, amount)
    funds.reserve(fund, application, amount=amount, on=decided_on, until=until, by=by)
    return step_followed(
        application, "award", by=by, now=now, awarded_amount=amount, expires_on=until, **said
    )


@transaction.atomic
def pay_award(
    *,
    application_id: UUID,
    amount: Decimal,
    paid_to: str,
    paid_for: str,
    paid_on: date,
    by: Actor,
    now: datetime,
) -> AidApplication:
    """Record a payment from the award; when nothing is left the application is spent."""
    fund = _lock_fund_of(application_id)
    application = lock_followed(AidApplication, application_id, by, "fund")
    award = _lock_award(application)
    funds.pay(fund, award, amount=amount, paid_to=paid_to, paid_for=paid_for, on=paid_on, by=by)
    record_edit(application, "pay", by=by, now=now, amount=str(amount))
    if award.left == 0:
        step_followed(application, "finish", by=by, now=now)
    return application


@transaction.atomic
def reverse_payment(*, spend_id: UUID, reason: str, by: Actor, now: datetime) -> AidApplication:
    """A payment was a mistake: a line of its own takes it back. The award runs on, or its money is the fund's again."""
    award_id, application_id = Spend.objects.values_list("award_id", "award__application_id").get(pk=spend_id)
    fund = _lock_fund_of(application_id)
    application = lock_followed(AidApplication, application_id, by, "fund")
    award, spend = lock(Award.objects, award_id), lock(Spend.objects, spend_id)
    if spend.reversed_on is not None:
        raise NotAllowed(_("This payment is reversed already."))
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it is reversed.")})
    funds.unpay(fund, award, spend, on=_today(application, now), because=reason, by=by)
    record_edit(application, "reverse_payment", by=by, now=now, reason=reason, amount=str(spend.amount))
    if application.status == AidStatus.SPENT:
        step_followed(
            application, "correct_payment", by=by, now=now, reason=reason, expires_on=award.expires_on
        )
    return application


@transaction.atomic
def step_application(
    *, application_id: UUID, step: str, by: Actor, now: datetime, reason: str = ""
) -> AidApplication:
    """Close, ask again, give the rest back, withdraw or enter in error; what is reserved goes back to the fund.

    Raises NotAllowed for a step that needs more than a reason, and while a payment of a mistaken one stands.
    """
    if step in ("award", "refuse", "finish", "expire", "correct_payment", "submit"):
        raise NotAllowed(_("This step is recorded with the fund's decision or a payment."))
    fund = _lock_fund_of(application_id)
    application = lock_followed(AidApplication, application_id, by, "fund")
    if step == "enter_in_error" and _paid(application):
        raise NotAllowed(_("Money was paid for this application. Reverse the payments first."))
    step_followed(application, step, by=by, now=now, reason=reason)
    for award in Award.objects.select_for_update().filter(application=application, released_on=None):
        if not application.is_open or step == "ask_again":
            because = reason or str(application.get_status_display())
            funds.release(fund, award, on=_today(application, now), because=because, by=by)
    return application


@transaction.atomic
def attach_paper(
    *, paper_id: UUID, by: Actor, now: datetime, document: Document | None = None, not_needed: str = ""
) -> AskedPaper:
    """Say where a paper is: a document of this patient, or why it is not needed; neither means missing again."""
    paper = lock(AskedPaper.objects, paper_id)
    model = AidApplication if paper.application_id else BenefitApplication
    record = lock_followed(model, paper.application_id or paper.benefit_id, by)
    check_document(record, document)
    paper.document, paper.not_needed = document, "" if document else not_needed.strip()[:250]
    paper.version += 1
    paper.save(update_fields=["document", "not_needed", "version", "updated_at"])
    facts = {"paper": paper.name, "document": str(document.pk) if document else ""}
    record_edit(record, "attach_paper", by=by, now=now, reason=paper.not_needed, **facts)
    return paper


# --- the night --------------------------------------------------------------------------------------------


def expire_awards(*, site: Site, by: Actor, now: datetime) -> int:
    """Awards whose last day is over give back what was not paid; returns how many."""
    today = now.astimezone(site.tzinfo).date()
    over = Award.objects.filter(released_on=None, expires_on__lt=today, application__site=site)
    over = over.filter(application__status=AidStatus.AWARDED)
    waiting = list(over.order_by("fund_id", "pk").values_list("application_id", flat=True))
    return sum(_expire(pk, today, by, now) for pk in waiting)


@transaction.atomic
@in_clinic_language
def _expire(application_id: UUID, today: date, by: Actor, now: datetime) -> bool:
    fund = _lock_fund_of(application_id)
    application = lock_followed(AidApplication, application_id, by, "fund")
    award = Award.objects.select_for_update().filter(application=application, released_on=None).first()
    if application.status != AidStatus.AWARDED or award is None or award.expires_on >= today:
        return False
    funds.release(fund, award, on=today, because=_("Its last day is over."), by=by)
    step_followed(application, "expire", by=by, now=now)
    return True


def _lock_fund_of(application_id: UUID) -> Fund:
    """The fund first, then the application: always in this order."""
    return lock(Fund.objects, AidApplication.objects.values_list("fund_id", flat=True).get(pk=application_id))


def _lock_award(application: AidApplication) -> Award:
    pk = Award.objects.filter(application=application, released_on=None).values_list("pk", flat=True).first()
    if pk is None or application.status != AidStatus.AWARDED:
        raise NotAllowed(_("There is no award to pay from."))
    return lock(Award.objects, pk)


def _paid(application: AidApplication) -> Decimal:
    found = Award.objects.filter(application=application).aggregate(paid=Sum("paid"))["paid"]
    return found or Decimal(0)


def _today(application: AidApplication, now: datetime) -> date:
    return now.astimezone(application.site.tzinfo).date()
