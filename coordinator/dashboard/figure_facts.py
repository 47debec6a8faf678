"""Which figures there are: the referral loop, requests to payers, requests open now, the payers' report card."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import User
from coordinator.dashboard.figure_sets import Ask, Column, FigureSet, Grouping
from coordinator.dashboard.team_measures import Scope, told
from referrals.models import PriorAuthorization, Referral
from referrals.models.report_card import Metric
from referrals.rules.authorizations import PAYER_DECISION
from referrals.workflow import AUTHORIZATION_OPEN, ENDED_WITHOUT_REPORT, WITH_PAYER, AuthorizationStatus


def quoted(names: Any) -> str:
    """Fixed words of our own workflows as a list of the statement."""
    return ", ".join(f"'{name}'" for name in names)


# --- referrals ------------------------------------------------------------------------------------------------


def sent_referrals(user: User, scope: Scope, ask: Ask) -> Any:
    return told(Referral.objects.visible_to(user).filter(ask.within(scope, "sent_at")))


LOOP_FACTS = """
select r.id, r.sent_at as since, r.status, r.specialty, md5(r.specialty) as specialty_key,
 coalesce(r.recipient_organization_id, r.recipient_id)::text as recipient_key,
 coalesce(o.name, nullif(concat_ws(', ', nullif(p.family_name, ''), nullif(p.given_name, '')), '')) as recipient,
 r.loop_closed_at is not null as closed, r.visit_at, r.seen_on, r.report_received_at,
 extract(epoch from r.accepted_at - r.sent_at)::float8 / 86400 as to_accept,
 extract(epoch from r.scheduled_at - r.accepted_at)::float8 / 86400 as to_schedule,
 (r.seen_on - (r.scheduled_at at time zone s.zone)::date)::float8 as to_seen,
 ((r.report_received_at at time zone s.zone)::date - r.seen_on)::float8 as to_report,
 extract(epoch from r.reviewed_at - r.report_received_at)::float8 / 86400 as to_review,
 extract(epoch from r.patient_told_at - r.reviewed_at)::float8 / 86400 as to_tell
from base b join referrals_referral r on r.id = b.id join accounts_site s on s.id = r.site_id
left join accounts_organization o on o.id = r.recipient_organization_id
left join accounts_practitioner p on p.id = r.recipient_id
"""


def stage(key: str, label: Any, counted: Any) -> Column:
    """Median days of one stage; a later fact that stands before the earlier one (a correction) is left out."""
    return Column(key, label, counted, f"{key} >= 0", value=key)


LOOPS = FigureSet(
    "loops",
    _("Referral loops"),
    _("Referrals that were sent in the period, whatever became of them since."),
    "referrals",
    sent_referrals,
    LOOP_FACTS,
    (
        Column("sent", _("Sent"), _("Referrals that left us in the period."), "true"),
        Column(
            "closed",
            _("Loop closed"),
            _(
                "The report is in, the requester has reviewed it and the patient was told; or it ended another way with a reason and the requester was told."
            ),
            "closed",
            of="true",
        ),
        Column(
            "not_scheduled",
            _("Not scheduled"),
            _("Still open, not seen, and no date is known: sent, received, accepted, missed or called off."),
            "not closed and status in ('sent', 'received', 'accepted', 'no_show', 'visit_cancelled', 'send_failed')",
            of="true",
        ),
        Column(
            "no_report",
            _("No report"),
            _("Seen, and no report is in."),
            "not closed and status = 'seen'",
            of="true",
        ),
        Column(
            "not_told",
            _("Report in, loop open"),
            _("The report is in; the review or telling the patient is still to come."),
            "not closed and status = 'completed'",
            of="true",
        ),
        Column(
            "ended",
            _("Ended without report"),
            _("Declined, cancelled or withdrawn, whether the requester was told or not."),
            f"status in ({quoted(ENDED_WITHOUT_REPORT)})",
            of="true",
        ),
        stage("to_accept", _("To accepted"), _("Median days from sent to accepted.")),
        stage(
            "to_schedule",
            _("To a date"),
            _("Median days from accepted to the day on which a date was known."),
        ),
        stage("to_seen", _("To seen"), _("Median days from the day on which a date was known to the visit.")),
        stage("to_report", _("To report"), _("Median days from the visit to the report.")),
        stage("to_review", _("To review"), _("Median days from the report to the requester's review.")),
        stage("to_tell", _("To told"), _("Median days from the review to telling the patient.")),
    ),
    {
        "specialty": Grouping(_("Specialty"), "specialty_key", "specialty"),
        "recipient": Grouping(_("Recipient"), "recipient_key", "recipient"),
    },
)

# --- requests to payers ---------------------------------------------------------------------------------------

_DECIDED = (
    f"c.from_status in ({quoted(WITH_PAYER)}) and c.step in ('approve', 'approve_in_part', 'modify', 'deny')"
)
_AFTER_APPEAL = "c.from_status = 'appeal' and c.to_status in ('approved', 'partially_approved', 'modified')"
REQUEST_FACTS = f"""
select a.id, coalesce(a.received_by_payer_at, a.stage_since) as since, a.status, a.urgency, a.kind, a.due_at,
 a.payer_id::text as payer_key, p.name as payer, md5(a.service) as service_key, a.service,
 h.decision, h.decision is not null as decided, h.pended, h.extended, h.appealed, h.overturned, h.appeal_decided,
 extract(epoch from h.decided_at - a.received_by_payer_at)::float8 / 86400 as days,
 extract(epoch from n.at - a.stage_since)::float8 / 86400 as age,
 coalesce(d.due_at < case when h.decided_at is not null then h.decided_at
  when a.status in ({quoted(WITH_PAYER)}) then n.at end, false) as passed,
 a.due_at < n.at as overdue, a.due_at >= n.at and a.due_at < n.at + interval '48 hours' as soon
from base b cross join clock_now n join referrals_priorauthorization a on a.id = b.id
join referrals_payer p on p.id = a.payer_id
left join (select c.record_id, min(c.at) filter (where {_DECIDED}) as decided_at,
  (array_agg(c.to_status order by c.at, c.id) filter (where {_DECIDED}))[1] as decision,
  bool_or(c.to_status = 'pended') as pended, bool_or(c.step = 'extend') as extended,
  bool_or(c.to_status = 'appeal') as appealed, bool_or({_AFTER_APPEAL}) as overturned,
  bool_or(c.from_status = 'appeal' and c.to_status in ('approved', 'partially_approved', 'modified', 'upheld'))
   as appeal_decided
 from base x join referrals_priorauthorizationchange c on c.record_id = x.id group by c.record_id) h on h.record_id = a.id
left join (select k.subject_id, max(k.due_at) as due_at from base x join clocks_clock k on k.subject_id = x.id
  and k.subject_type = 'referrals.priorauthorization'
 where k.kind = '{PAYER_DECISION}' and k.state <> 'void' group by k.subject_id) d on d.subject_id = a.id
"""  # noqa: S608  (fixed words of our own workflows)

APPROVED = "decision in ('approved', 'modified')"
DENIED = "decision = 'denied'"


def received_requests(user: User, scope: Scope, ask: Ask) -> Any:
    rows = told(PriorAuthorization.objects.visible_to(user).filter(ask.within(scope, "received_by_payer_at")))
    return _narrowed(rows.exclude(status=AuthorizationStatus.ENTERED_IN_ERROR), ask)


def open_requests(user: User, scope: Scope, ask: Ask) -> Any:
    rows = PriorAuthorization.objects.visible_to(user).filter(
        site__in=scope.sites, status__in=AUTHORIZATION_OPEN
    )
    return _narrowed(told(rows), ask)


def _narrowed(rows: Any, ask: Ask) -> Any:
    only = {"kind": ask.medicine, "payer": ask.payer}
    return rows.filter(**{name: value for name, value in only.items() if value})


def _days(key: str, label: Any, urgency: str, *, average: bool = False) -> Column:
    counted = (
        _("Average days from the payer's receipt to its first decision, as it was recorded here.")
        if average
        else _("Median days from the payer's receipt to its first decision, as it was recorded here.")
    )
    return Column(
        key, label, counted, f"decided and urgency = '{urgency}' and days >= 0", value="days", average=average
    )


RECEIVED = Column("received", _("Requests"), _("Requests that the payer received in the period."), "true")
DECISIONS = (
    Column(
        "approved",
        _("Approved"),
        _("The first decision approved every line, as asked or with changes; a share of the decided ones."),
        APPROVED,
        of="decided",
    ),
    Column(
        "partly",
        _("Partly"),
        _("The first decision refused some of the lines; a share of the decided ones."),
        "decision = 'partially_approved'",
        of="decided",
    ),
    Column(
        "denied",
        _("Denied"),
        _("The first decision refused every line; a share of the decided ones."),
        DENIED,
        of="decided",
    ),
)
OVERTURNED = Column(
    "overturned",
    _("Overturned"),
    _(
        "An appeal ended with an approval, in whole or in part; a share of the requests whose appeal was decided."
    ),
    "overturned",
    of="appeal_decided",
)
PENDED = Column(
    "pended",
    _("Pended"),
    _("The payer asked for more at least once; a share of all requests."),
    "pended",
    of="true",
)
PASSED = Column(
    "passed",
    _("Payer's clock passed"),
    _("No decision when the payer's time ended, extensions included: decided later, or still waiting."),
    "passed",
    of="true",
)
MEDIANS = (
    _days("standard_median", _("Standard, days"), "standard"),
    _days("expedited_median", _("Expedited, days"), "expedited"),
)
BY_PAYER = Grouping(_("Payer"), "payer_key", "payer")
BY_SERVICE = Grouping(_("Service"), "service_key", "service")

REQUESTS = FigureSet(
    "requests",
    _("Decisions of payers"),
    _(
        "Requests that the payer received in the period; the first decision counts, an appeal has its own column."
    ),
    "requests",
    received_requests,
    REQUEST_FACTS,
    (
        RECEIVED,
        Column(
            "waiting",
            _("Waiting"),
            _("With the payer now, no decision yet."),
            f"not decided and status in ({quoted(WITH_PAYER)})",
        ),
        *DECISIONS,
        OVERTURNED,
        PENDED,
        *MEDIANS,
        PASSED,
    ),
    {
        "payer": BY_PAYER,
        "service": BY_SERVICE,
        "urgency": Grouping(
            _("Urgency"),
            "urgency",
            "urgency",
            lambda code: dict(PriorAuthorization._meta.get_field("urgency").flatchoices)[code],
        ),
    },
)

OPEN_NOW = FigureSet(
    "open-requests",
    _("Open requests by status and age"),
    _("Every request that is open now; the age counts from the day on which it came into its status."),
    "requests",
    open_requests,
    REQUEST_FACTS,
    (
        Column("all", _("Open"), _("Requests that are open now, approvals in force included."), "true"),
        Column("young", _("Under 3 days"), _("In this status for less than 3 days."), "age < 3"),
        Column("older", _("3 to 7 days"), _("In this status for 3 to 7 days."), "age >= 3 and age < 8"),
        Column("old", _("Over 7 days"), _("In this status for 8 days or longer."), "age >= 8"),
        Column("soon", _("Clock ends in 48 hours"), _("The date ends within 48 hours from now."), "soon"),
        Column("overdue", _("Overdue"), _("The date of the next step has passed."), "overdue"),
    ),
    {
        "status": Grouping(_("Status"), "status", "status", lambda code: AuthorizationStatus(code).label),
    },
    has_period=False,
)

CARD = FigureSet(
    "payers",
    _("Payer report card"),
    _("Requests that the payer received in the year; the first decision counts."),
    "requests",
    received_requests,
    REQUEST_FACTS,
    (
        RECEIVED,
        *DECISIONS,
        Column(
            "after_appeal",
            _("Approved after appeal"),
            _("An appeal ended with an approval, in whole or in part; a share of the decided requests."),
            "overturned and decided",
            of="decided",
        ),
        PENDED,
        *MEDIANS,
        _days("standard_average", _("Standard, average days"), "standard", average=True),
        _days("expedited_average", _("Expedited, average days"), "expedited", average=True),
        PASSED,
    ),
    {"payer": BY_PAYER, "service": BY_SERVICE},
)


def _metric(key: str, label: Any, counted: Any, urgency: str, where: str) -> Column:
    whole = f"decided and urgency = '{urgency}'" if urgency else "decided"
    return Column(key, label, counted, f"{whole} and {where}", of=whole)


def _services(user: User, scope: Scope, ask: Ask) -> Any:
    return received_requests(user, scope, ask).filter(kind="service")


_OF_ALL = _("A share of the decided requests of that urgency; medicines are left out.")
METRICS = FigureSet(
    "metrics",
    _("Payer report card"),
    _(
        "Requests for services that the payer received in the year; the first decision counts, medicines are left out."
    ),
    "requests",
    _services,
    REQUEST_FACTS,
    (
        _metric(
            Metric.STANDARD_APPROVED.value, Metric.STANDARD_APPROVED.label, _OF_ALL, "standard", APPROVED
        ),
        _metric(Metric.STANDARD_DENIED.value, Metric.STANDARD_DENIED.label, _OF_ALL, "standard", DENIED),
        _metric(
            Metric.STANDARD_AFTER_APPEAL.value,
            Metric.STANDARD_AFTER_APPEAL.label,
            _OF_ALL,
            "standard",
            "overturned",
        ),
        _metric(
            Metric.EXTENDED_APPROVED.value,
            Metric.EXTENDED_APPROVED.label,
            _("A share of all decided requests; medicines are left out."),
            "",
            f"extended and {APPROVED}",
        ),
        _metric(
            Metric.EXPEDITED_APPROVED.value, Metric.EXPEDITED_APPROVED.label, _OF_ALL, "expedited", APPROVED
        ),
        _metric(Metric.EXPEDITED_DENIED.value, Metric.EXPEDITED_DENIED.label, _OF_ALL, "expedited", DENIED),
        _days(Metric.STANDARD_AVERAGE.value, Metric.STANDARD_AVERAGE.label, "standard", average=True),
        _days(Metric.STANDARD_MEDIAN.value, Metric.STANDARD_MEDIAN.label, "standard"),
        _days(Metric.EXPEDITED_AVERAGE.value, Metric.EXPEDITED_AVERAGE.label, "expedited", average=True),
        _days(Metric.EXPEDITED_MEDIAN.value, Metric.EXPEDITED_MEDIAN.label, "expedited"),
    ),
    {"payer": BY_PAYER},
)
SETS = {figures.name: figures for figures in (LOOPS, REQUESTS, OPEN_NOW, CARD, METRICS)}
