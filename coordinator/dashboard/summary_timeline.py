"""One timeline of everything that happened: each kind gives its newest rows, PostgreSQL merges them.

Every branch has its own index and LIMIT, so a record of thousands of rows costs as much as a short one.
Paged by key: (moment, id) of the last event. What the person may not see has no branch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from coordinator.db import asked_rows, keys_of, planned_rows
from patients.models import Patient, ProviderUpdate, opened

ALL, CONTACT, CLINICAL, PLAN = "all", "contact", "clinical", "plan"
LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True)
class Branch:
    """`select` gives: kind, id, at, step, status, what, more, by_id, number. `moment` and `key` page it."""

    group: str
    permission: str
    select: str
    moment: str
    key: str
    grouped: str = ""


@dataclass(frozen=True)
class Row:
    """One event as the database tells it; words come from summary_words."""

    kind: str
    id: UUID
    at: datetime
    step: str
    status: str
    what: str
    more: str
    number: int | None
    by: str

    @property
    def cursor(self) -> str:
        """For the address of what is older: a moment and a key, nothing about the person."""
        return f"{self.at.astimezone(UTC).isoformat()}_{self.id}"


# Of tasks and visits only the steps that tell the story; the record's own history has every one. What an
# import wrote did not happen then.
TOLD_OF_TASK = (
    "'create', 'complete', 'cancel', 'fail', 'reopen', 'hand_over', 'reassign', 'reject', 'enter_in_error'"
)
QUIET_VISIT = "'import', 'arrive', 'check_in', 'undo_arrive', 'undo_check_in', 'fulfill', 'fulfill_outside', 'mark_no_show'"


# The patient's record and every record merged into it: their histories are one story.
RECORDS = (
    "with recursive own(id) as (select %(patient)s::uuid union all select m.other_id from own"
    " join patients_patientmerge m on m.survivor_id = own.id and m.undone_at is null) select id from own"
)


def _changes(
    kind: str,
    table: str,
    what: str,
    permission: str,
    *,
    sited: bool = False,
    told: str = "<> 'import'",
    only: str = "",
) -> Branch:
    """The steps of records of one model, from its change rows; `only` narrows the records (r) further."""
    here = " and r.site_id = any(%(sites)s::uuid[])" if sited else ""
    return Branch(
        PLAN,
        permission,
        f"select '{kind}', c.id, c.at, c.step, c.to_status, {what}, c.reason, c.by_id, null::int"  # noqa: S608
        f" from {table}change c join {table} r on r.id = c.record_id"
        f" where r.patient_id = %(patient)s{here} and r.status <> 'entered_in_error' and c.step {told}{only}",
        "c.at",
        "c.id",
    )


# Of a request: its steps, and what of the rest moves its dates or its approval.
TOLD_OF_REQUEST = "'approve', 'pend', 'answer_payer', 'extend', 'downgrade', 'revise'"

BRANCHES = (
    Branch(
        CONTACT,
        "notes.view",
        "select 'contact', c.id, c.at, c.outcome, c.channel, coalesce(t.title, ''), c.note, c.created_by_id,"
        " c.minutes::int from careplans_contactattempt c left join careplans_task t on t.id = c.task_id"
        " and t.site_id = any(%(sites)s::uuid[]) and %(sees_tasks)s"
        " where c.patient_id = %(patient)s and c.error_reason = ''",
        "c.at",
        "c.id",
    ),
    Branch(
        CONTACT,
        "patients.view",
        "select 'message', m.id, m.finished_at, m.purpose, m.status, m.channel, '', null::bigint, null::int"
        " from messaging_message m where m.patient_id = %(patient)s"
        " and m.status in ('sent', 'delivered', 'failed', 'unknown') and m.finished_at is not null",
        "m.finished_at",
        "m.id",
    ),
    Branch(
        CLINICAL,
        "notes.view",
        "select 'note', n.id, n.created_at, n.kind, '', left(n.body, 400), "  # noqa: S608
        " trim(concat_ws(' ', d.given_name, d.family_name)), n.created_by_id,"
        " case when n.acknowledged_at is null then 0 else 1 end"
        " from patients_note n left join accounts_practitioner d on d.id = n.report_to_id"
        f" where n.patient_id = %(patient)s and n.status = 'current' and {opened('n')}",
        "n.created_at",
        "n.id",
    ),
    Branch(
        CLINICAL,
        "patients.view",
        "select 'encounter', e.id, e.started_at, e.setting, '', e.kind,"  # noqa: S608
        " concat_ws(' · ', nullif(e.reason, ''), o.name,"
        " nullif(concat_ws(' ', d.given_name, d.family_name), '')), null::bigint, null::int"
        " from patients_encounter e left join accounts_practitioner d on d.id = e.practitioner_id"
        " left join accounts_organization o on o.id = e.organization_id"
        f" where e.patient_id = %(patient)s and e.status <> 'entered_in_error' and {opened('e')}",
        "e.started_at",
        "e.id",
    ),
    Branch(
        CLINICAL,
        "patients.view",
        "select 'result', (array_agg(r.id order by r.id))[1], r.taken_at, '', '',"  # noqa: S608
        " array_to_string((array_agg(concat_ws(' ', r.name, nullif(coalesce(trim_scale(r.value)::text,"
        " r.value_text), ''), nullif(r.unit, '')) order by r.name))[1:4], '; '), '', null::bigint, count(*)::int"
        " from patients_result r where r.patient_id = %(patient)s and r.status <> 'entered_in_error'"
        f" and {opened('r')}",
        "r.taken_at",
        "(array_agg(r.id order by r.id))[1]",
        grouped="r.taken_at",
    ),
    Branch(
        CLINICAL,
        "patients.view",
        "select 'immunization', i.id, i.given_at, '', i.status, i.name, '', null::bigint, null::int"
        " from patients_immunization i where i.patient_id = %(patient)s and i.status <> 'entered_in_error'",
        "i.given_at",
        "i.id",
    ),
    Branch(
        CLINICAL,
        "patients.view",
        "select 'reconciliation', r.id, r.compared_at, r.list, r.with_whom, coalesce(f.name, r.source), '',"
        " r.created_by_id, (select count(*)::int from patients_reconciliationline l"
        " where l.reconciliation_id = r.id and (l.finding <> 'as_listed' or l.obstacle <> ''))"
        " from patients_reconciliation r left join patients_relatedperson f on f.id = r.related_person_id"
        " where r.patient_id = %(patient)s and r.status = 'current'",
        "r.compared_at",
        "r.id",
    ),
    Branch(
        CLINICAL,
        "notes.view",
        "select 'document', d.id, coalesce(d.received_on::timestamp at time zone %(zone)s, d.created_at), '', '',"  # noqa: S608
        " d.title, d.kind, d.created_by_id, null::int from patients_document d"
        f" where d.patient_id = %(patient)s and d.status <> 'entered_in_error' and {opened('d')}",
        "coalesce(d.received_on::timestamp at time zone %(zone)s, d.created_at)",
        "d.id",
    ),
    Branch(
        CLINICAL,
        "visits.view",
        "select 'visit', a.id, a.start, '', a.status, s.name, a.reason, null::bigint, a.time_known::int"
        " from scheduling_appointment a join scheduling_service s on s.id = a.service_id"
        " where a.patient_id = %(patient)s and a.site_id = any(%(sites)s::uuid[]) and a.start <= %(now)s"
        " and a.status in ('fulfilled', 'no_show', 'arrived', 'checked_in')",
        "a.start",
        "a.id",
    ),
    Branch(
        CLINICAL,
        "visits.view",
        "select 'appointment', c.id, c.at, c.step, c.to_status, s.name, c.reason, c.by_id,"  # noqa: S608
        " extract(epoch from r.start)::bigint from scheduling_appointmentchange c"
        " join scheduling_appointment r on r.id = c.record_id join scheduling_service s on s.id = r.service_id"
        " where r.patient_id = %(patient)s and r.site_id = any(%(sites)s::uuid[])"
        f" and r.status <> 'entered_in_error' and c.step not in ({QUIET_VISIT})",
        "c.at",
        "c.id",
    ),
    _changes(
        "referral",
        "referrals_referral",
        "concat_ws(' · ', r.specialty, r.reference)",
        "referrals.view",
        sited=True,
    ),
    _changes(
        "authorization",
        "referrals_priorauthorization",
        "r.service",
        "referrals.view",
        sited=True,
        only=f" and (c.from_status <> c.to_status and c.step <> 'add_line' or c.step in ({TOLD_OF_REQUEST}))",
    ),
    _changes("task", "careplans_task", "r.title", "tasks.view", sited=True, told=f"in ({TOLD_OF_TASK})"),
    _changes(
        "update",
        "patients_providerupdate",
        "concat_ws(': ', (select trim(concat_ws(' ', d.given_name, d.family_name)) from accounts_practitioner d"
        " where d.id = r.report_to_id), left(case when c.step = 'answer' then r.answer else r.ask end, 400))",
        "notes.view",
        told="not in ('import', 'remind', 'read_answer') and not (c.step = 'create' and r.note_id is not null)",
        only=" and r.id in (select id from shown_updates)",
    ),
    _changes("plan", "careplans_careplan", "r.title", "plans.view"),
    _changes("goal", "careplans_goal", "r.description", "plans.view"),
    _changes("action", "careplans_intervention", "r.description", "plans.view"),
    Branch(
        PLAN,
        "patients.view",
        "select 'patient', c.id, c.at, c.step, c.to_status,"  # noqa: S608  (fixed text, values as parameters)
        " coalesce((select string_agg(f, ',') from jsonb_array_elements_text(c.facts -> 'fields') f), ''),"
        f" c.reason, c.by_id, null::int from patients_patientchange c where c.record_id in ({RECORDS})"
        " and c.step <> 'import'",
        "c.at",
        "c.id",
    ),
)


def read_cursor(typed: str | None) -> tuple[datetime, UUID] | None:
    """The (moment, key) of an address, or None when it is none."""
    moment, _, key = (typed or "").partition("_")
    try:
        at = datetime.fromisoformat(moment)
        return (at, UUID(key)) if at.tzinfo else None
    except ValueError:
        return None


def timeline(
    user: Any,
    patient: Patient,
    *,
    now: datetime,
    show: str = ALL,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 20,
    updates: bool = True,
) -> tuple[list[Row], bool]:
    """Events newest first and whether there are older ones, in one statement.

    `show` is all, contact, clinical or plan; False for `updates` when the record has no provider update, which saves
    asking who may see which. Moments are UTC.
    """
    pieces = [
        _piece(branch)
        for branch in BRANCHES
        if show in (ALL, branch.group)
        and user.can(branch.permission)
        and (updates or "shown_updates" not in branch.select)
    ]
    at, key = before or (datetime.max.replace(tzinfo=UTC), LAST)
    params = {
        "patient": patient.pk,
        "sites": [str(site) for site in user.site_ids],
        "zone": patient.site.zone,
        "now": now,
        "reader": user.pk,
        "sees_tasks": user.can("tasks.view"),
        "at": at,
        "key": key,
        "limit": limit + 1,
    }
    shown, own = _updates_shown(user, patient) if updates else ("", {})
    params |= own
    # What the models wrote has any number of parameters: it is not one statement that is asked again.
    ask = asked_rows if own else planned_rows
    statement = (
        f"{shown}select e.*, coalesce(concat_ws(', ', u.name, nullif(u.credentials, '')), '') from ({' union all '.join(pieces)})"  # noqa: S608
        " e(kind, id, at, step, status, what, more, by_id, number)"
        " left join accounts_user u on u.id = e.by_id order by e.at desc, e.id desc limit %(limit)s"
    )
    rows = [Row(*r[:7], number=r[8], by=r[9]) for r in ask(statement, params)]
    return rows[:limit], len(rows) > limit


def _updates_shown(user: Any, patient: Patient) -> tuple[str, dict[str, Any]]:
    """The provider updates that this person may see, as the models say it: a name for the statement, and its
    parameters. Without the permission no branch asks for it."""
    if not user.can("notes.view"):
        return "", {}
    keys, values = keys_of(ProviderUpdate.objects.visible_to(user).filter(patient=patient))
    named = {f"shown_{n}": value for n, value in enumerate(values)}
    return f"with shown_updates(id) as ({keys % tuple(f'%({name})s' for name in named)}) ", named


def _piece(branch: Branch) -> str:
    """One branch with its place in the order and its own limit."""
    older = f"({branch.moment}, {branch.key}) < (%(at)s, %(key)s::uuid)"
    if branch.grouped:
        tail = f"and {branch.moment} <= %(at)s group by {branch.grouped} having {older}"
    else:
        tail = f"and {older}"
    return f"({branch.select} {tail} order by 3 desc, 2 desc limit %(limit)s)"
