"""Bills: logged, explained line by line, questioned, settled, with what was won for the patient."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import lock, refusals
from coordinator.workflow import Actor, NotAllowed, person, record_edit
from patients.models import Document, Patient, RelatedPerson, Topic
from referrals.models import Bill, BillLine, BillPhrase, BillQuestion, Estimate, Spend
from referrals.money_workflow import BillStatus, EstimateStatus
from referrals.services.funds import check_amount, check_can_keep_funds
from referrals.services.money import begin_followed, check_document, lock_followed, step_followed

FACTS = ("is_nonprofit_hospital", "service_on", "due_on", "account_number")


@transaction.atomic
def log_bill(
    *,
    patient: Patient,
    biller: str,
    statement_on: date,
    amount: Decimal,
    by: Actor,
    now: datetime,
    document: Document | None = None,
    estimate: Estimate | None = None,
    **facts: Any,
) -> Bill:
    """Keep a bill. The estimate of the same visit is found by itself; whether it may be disputed follows from it."""
    unknown = set(facts) - set(FACTS)
    if unknown:
        raise TypeError(f"Not facts of a bill: {sorted(unknown)}")
    check_amount(amount)
    if not biller.strip():
        raise ValidationError({"biller": _("Say who sent the bill.")})
    bill = Bill(
        patient=patient,
        biller=biller.strip(),
        statement_on=statement_on,
        amount=amount,
        document=document,
        **facts,
    )
    check_document(bill, document)
    if estimate is not None and estimate.patient_id != patient.pk:
        raise ValidationError({"estimate": _("Choose an estimate of this patient.")})
    bill.estimate = estimate or estimate_for(bill)
    begin_followed(bill, by=by, now=now)
    if bill.may_be_disputed:
        record_edit(bill, "find_over_estimate", by=by, now=now, over=str(bill.over_estimate))
    return bill


def estimate_for(bill: Bill) -> Estimate | None:
    """The given estimate of the visit that is billed: of that very day, else the only one before the statement that
    no other bill goes by."""
    given = Estimate.objects.filter(patient=bill.patient_id, status=EstimateStatus.GIVEN)
    if bill.service_on:
        return given.filter(visit_on=bill.service_on).order_by("-given_on").first()
    free = list(given.filter(visit_on__lte=bill.statement_on, bills__isnull=True).order_by("-visit_on")[:2])
    return free[0] if len(free) == 1 else None


@transaction.atomic
def add_line(
    *,
    bill_id: UUID,
    text: str,
    amount: Decimal,
    by: Actor,
    now: datetime,
    phrase: BillPhrase | None = None,
    explanation: str = "",
) -> BillLine:
    """One line of the bill. Without own words the phrase explains it, in the patient's language."""
    bill = lock_followed(Bill, bill_id, by)
    words = explanation.strip() or (phrase.words_in(bill.patient.language) if phrase else "")
    last = bill.lines.order_by("-position").values_list("position", flat=True).first() or 0
    line = BillLine.objects.create(
        bill=bill, position=last + 1, text=text.strip(), amount=amount, phrase=phrase, explanation=words,
        created_by=person(by),
    )  # fmt: skip
    record_edit(bill, "add_bill_line", by=by, now=now, line=line.position, amount=str(amount))
    return line


@transaction.atomic
def remove_line(*, line_id: UUID, reason: str, by: Actor, now: datetime) -> BillLine:
    """A line that was typed by mistake: it stays in the record with its reason, and counts no more."""
    line = lock(BillLine.objects, line_id)
    bill = lock_followed(Bill, line.bill_id, by)
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it is removed.")})
    line.removed_because = reason.strip()[:250]
    line.version += 1
    line.save(update_fields=["removed_because", "version", "updated_at"])
    record_edit(bill, "remove_bill_line", by=by, now=now, reason=reason, line=line.position)
    return line


@transaction.atomic
def explain_bill(
    *, bill_id: UUID, on: date, by: Actor, now: datetime, related_person: RelatedPerson | None = None
) -> Bill:
    """It was explained to the patient, or to somebody of the family who may hear about money."""
    bill = lock_followed(Bill, bill_id, by)
    if related_person is not None:
        if related_person.patient_id != bill.patient_id:
            raise ValidationError({"related_person": _("Choose who you spoke with.")})
        if not related_person.may_hear(Topic.MONEY, on):
            text = _("%(name)s may not hear about money. Nothing was saved.")
            raise ValidationError({"related_person": text % {"name": related_person.name}})
    bill.explained_on, bill.explained_to = on, related_person
    bill.version += 1
    bill.save(update_fields=["explained_on", "explained_to", "version", "updated_at"])
    record_edit(bill, "explain", by=by, now=now, on=on.isoformat())
    return bill


@transaction.atomic
def ask_about_bill(
    *, bill_id: UUID, to_whom: str, channel: str, question: str, asked_on: date, by: Actor, now: datetime
) -> BillQuestion:
    """A question was sent; the answer is due by the rule, counted from now."""
    bill = lock_followed(Bill, bill_id, by)
    if not question.strip() or not to_whom.strip():
        raise ValidationError(_("Say whom you asked, and what."))
    step_followed(bill, "ask", by=by, now=now)
    return BillQuestion.objects.create(
        bill=bill, to_whom=to_whom.strip(), channel=channel, question=question.strip(), asked_on=asked_on,
        answer_due_at=bill.due_at, created_by=person(by),
    )  # fmt: skip


@transaction.atomic
def answer_question(*, bill_id: UUID, answer: str, answered_on: date, by: Actor, now: datetime) -> Bill:
    """The answer to every question of the bill that was open."""
    bill = lock_followed(Bill, bill_id, by)
    if not answer.strip():
        raise ValidationError({"answer": _("Say what the answer was.")})
    open_ones = BillQuestion.objects.select_for_update().filter(bill=bill, answered_on=None)
    open_ones.update(answered_on=answered_on, answer=answer.strip(), updated_at=now)
    return step_followed(bill, "answer", by=by, now=now)


@transaction.atomic
def settle_bill(
    *, bill_id: UUID, outcome: str, dollars_won: Decimal, settled_on: date, by: Actor, now: datetime
) -> Bill:
    """What came of it. `dollars_won` is what the patient does not have to pay, without what our own funds paid.

    Raises ValidationError when both together are more than the bill.
    """
    bill = lock_followed(Bill, bill_id, by)
    if dollars_won < 0:
        raise ValidationError({"dollars_won": _("Enter 0 or more dollars.")})
    paid = paid_by_funds(bill)
    if dollars_won + paid > bill.amount:
        text = _("The bill is %(amount)s dollars, and our funds paid %(paid)s of it.")
        raise ValidationError({"dollars_won": text % {"amount": bill.amount, "paid": paid}})
    facts: dict[str, Any] = {"outcome": outcome, "dollars_won": dollars_won, "settled_on": settled_on}
    return step_followed(bill, "settle", by=by, now=now, **facts)


def paid_by_funds(bill: Bill) -> Decimal:
    """What our own funds paid of it, in dollars."""
    spends = Spend.objects.filter(award__application__bill=bill, reversed_on=None)
    return spends.aggregate(paid=Sum("amount"))["paid"] or Decimal(0)


@transaction.atomic
def step_bill(*, bill_id: UUID, step: str, by: Actor, now: datetime, reason: str = "") -> Bill:
    """Dispute, reopen or enter in error."""
    if step not in ("dispute", "reopen", "enter_in_error"):
        raise NotAllowed(_("This step is recorded with a question, an answer or an outcome."))
    bill = lock_followed(Bill, bill_id, by)
    facts: dict[str, Any] = {}
    if step == "reopen" and bill.status == BillStatus.SETTLED:
        facts = {"outcome": "", "dollars_won": Decimal(0), "settled_on": None}
    return step_followed(bill, step, by=by, now=now, reason=reason, **facts)


@transaction.atomic
def save_phrase(*, phrase_id: UUID | None, by: Actor, now: datetime, **facts: Any) -> BillPhrase:
    """The plain words for a kind of line; bills keep the words they were explained with."""
    check_can_keep_funds(by)
    phrase = lock(BillPhrase.objects, phrase_id) if phrase_id else BillPhrase(created_by=person(by))
    for name in ("label", "label_es", "words", "words_es", "is_active"):
        if name in facts:
            setattr(phrase, name, facts[name])
    if not phrase.label.strip() or not phrase.words.strip():
        raise ValidationError(_("A phrase needs a name and its words."))
    with refusals(referrals_billphrase_label_key=_("Another phrase has this name.")):
        phrase.version += 1 if phrase_id else 0
        phrase.save()
    audit.record(
        by=by,
        action="update" if phrase_id else "create",
        entity="referrals.billphrase",
        entity_id=phrase.pk,
    )
    return phrase
