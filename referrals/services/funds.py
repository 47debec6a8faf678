"""Local funds and their ledger. Every change of a fund's totals goes through `_book`, with the fund's row locked."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import lock, refusals
from coordinator.wording import day
from coordinator.workflow import Actor, NotAllowed, System, person
from referrals.models import Award, Fund, FundMovement, Spend
from referrals.permissions import can_keep_funds

M = FundMovement.Kind
EDITABLE = (
    "name", "purpose", "criteria", "contact", "papers", "period", "limit_per_patient", "holds_days", "is_active",
)  # fmt: skip
ZERO = Decimal(0)


def check_can_keep_funds(by: Actor) -> None:
    if not isinstance(by, System) and not can_keep_funds(by):
        raise PermissionDenied(_("Managers keep the funds."))


@transaction.atomic
def save_fund(*, fund_id: UUID | None, by: Actor, now: datetime, **facts: Any) -> Fund:
    """A new fund, or other words for one that is there. Raises ValidationError, Conflict for a name that is taken."""
    check_can_keep_funds(by)
    unknown = set(facts) - set(EDITABLE)
    if unknown:
        raise TypeError(f"Not facts of a fund that can be set here: {sorted(unknown)}")
    fund = lock(Fund.objects, fund_id) if fund_id else Fund(created_by=person(by))
    changed = [name for name, value in facts.items() if getattr(fund, name) != value]
    for name, value in facts.items():
        setattr(fund, name, value)
    if not fund.name.strip() or not fund.purpose.strip():
        raise ValidationError(_("A fund needs a name and what it is for."))
    with refusals(referrals_fund_name_key=_("Another fund has this name.")):
        fund.version += 1 if fund_id else 0
        fund.save()
    _record(fund, "update" if fund_id else "create", by, {"changed": changed})
    return fund


@transaction.atomic
def add_money(
    *, fund_id: UUID, amount: Decimal, on: date, note: str, by: Actor, now: datetime
) -> FundMovement:
    """Money that came into the fund on a day, in dollars."""
    check_can_keep_funds(by)
    check_amount(amount)
    fund = lock(Fund.objects, fund_id)
    return _book(fund, M.DEPOSIT, on=on, by=by, note=note, money_in=amount)


@transaction.atomic
def reverse_deposit(*, movement_id: UUID, reason: str, by: Actor, now: datetime) -> FundMovement:
    """Take back a deposit that was a mistake, by a line of its own. Refused when the money is given already."""
    check_can_keep_funds(by)
    fund = lock(Fund.objects, FundMovement.objects.values_list("fund_id", flat=True).get(pk=movement_id))
    found = FundMovement.objects.get(pk=movement_id)
    if found.kind != M.DEPOSIT or FundMovement.objects.filter(reverses=found).exists():
        raise NotAllowed(_("Only money that came in, and was not reversed yet, can be reversed here."))
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it is reversed.")})
    if fund.balance < found.money_in:
        raise NotAllowed(
            _("%(amount)s dollars cannot be taken back: only %(left)s are neither reserved nor paid.")
            % {"amount": found.money_in, "left": fund.balance}
        )
    today = _day(now, by)
    return _book(
        fund, M.REVERSE_DEPOSIT, on=today, by=by, note=reason, money_in=-found.money_in, reverses=found
    )


def check_amount(amount: Decimal | None, name: str = "amount") -> None:
    if amount is None or amount <= 0:
        raise ValidationError({name: _("Enter an amount above 0 dollars.")})


# --- what applications cause; who may, was checked there -------------------------------------------------


def reserve(fund: Fund, application: Any, *, amount: Decimal, on: date, until: date, by: Actor) -> Award:
    """Set money aside for an application. `fund` is locked. Raises NotAllowed when it has not that much."""
    check_amount(amount, "awarded_amount")
    if until < on:
        raise ValidationError({"expires_on": _("The award cannot expire before it is given.")})
    if amount > fund.balance:
        raise NotAllowed(
            _("%(fund)s has only %(left)s dollars left.") % {"fund": fund.name, "left": fund.balance}
        )
    award = Award.objects.create(
        application=application,
        fund=fund,
        amount=amount,
        awarded_on=on,
        expires_on=until,
        created_by=person(by),
    )
    _book(fund, M.RESERVE, on=on, by=by, reserved=amount, award=award)
    return award


def release(fund: Fund, award: Award, *, on: date, because: str, by: Actor) -> None:
    """What is left of an award goes back to the fund. Both rows are locked."""
    left = award.left
    award.released_on, award.released_because = on, because[:250]
    award.version += 1
    award.save(update_fields=["released_on", "released_because", "version", "updated_at"])
    if left:
        _book(fund, M.RELEASE, on=on, by=by, reserved=-left, award=award, note=because[:250])


def pay(
    fund: Fund, award: Award, *, amount: Decimal, paid_to: str, paid_for: str, on: date, by: Actor
) -> Spend:
    """Pay from what is reserved. Both rows are locked. Raises NotAllowed when the award has not that much left."""
    check_amount(amount)
    if amount > award.left:
        raise NotAllowed(_("The award has only %(left)s dollars left.") % {"left": award.left})
    if on < award.awarded_on or on > award.expires_on:
        raise ValidationError(
            {
                "paid_on": _("The award holds from %(first)s to %(last)s.")
                % {"first": day(award.awarded_on), "last": day(award.expires_on)}
            }
        )
    spend = Spend.objects.create(
        award=award, amount=amount, paid_to=paid_to, paid_for=paid_for, paid_on=on, created_by=person(by)
    )
    _add_paid(award, amount)
    _book(fund, M.SPEND, on=on, by=by, reserved=-amount, spent=amount, award=award, spend=spend)
    return spend


def unpay(fund: Fund, award: Award, spend: Spend, *, on: date, because: str, by: Actor) -> None:
    """Reverse a payment: it is reserved again while the award runs, else the fund's own again. All three are locked."""
    spend.reversed_on, spend.reversed_because = on, because[:250]
    spend.version += 1
    spend.save(update_fields=["reversed_on", "reversed_because", "version", "updated_at"])
    _add_paid(award, -spend.amount)
    again = ZERO if award.released_on else spend.amount
    of_it = FundMovement.objects.get(spend=spend, kind=M.SPEND)
    _book(
        fund, M.REVERSE_SPEND, on=on, by=by, reserved=again, spent=-spend.amount, award=award, spend=spend,
        reverses=of_it, note=because[:250],
    )  # fmt: skip


def _add_paid(award: Award, amount: Decimal) -> None:
    award.paid += amount
    award.version += 1
    award.save(update_fields=["paid", "version", "updated_at"])


def _book(
    fund: Fund,
    kind: str,
    *,
    on: date,
    by: Actor,
    money_in: Decimal = ZERO,
    reserved: Decimal = ZERO,
    spent: Decimal = ZERO,
    note: str = "",
    **about: Any,
) -> FundMovement:
    """One line of the ledger and the totals it changes, together."""
    line = FundMovement.objects.create(
        fund=fund, kind=kind, on=on, money_in=money_in, reserved=reserved, spent=spent, note=note,
        created_by=person(by), **about,
    )  # fmt: skip
    fund.money_in += money_in
    fund.reserved += reserved
    fund.spent += spent
    fund.version += 1
    fund.save(update_fields=["money_in", "reserved", "spent", "version", "updated_at"])
    _record(fund, kind, by, {"amount": str(line.change or spent or reserved), "movement": str(line.pk)})
    return line


def _record(fund: Fund, action: str, by: Actor, details: dict[str, Any]) -> None:
    audit.record(by=by, action=action, entity="referrals.fund", entity_id=fund.pk, details=details)


def _day(now: datetime, by: Actor) -> date:
    """Today where the person works."""
    site = None if isinstance(by, System) else by.sites.first()
    return now.astimezone(site.tzinfo).date() if site else now.date()
