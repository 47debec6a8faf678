"""The referrals and prior authorizations of the generated clinic, with the dates they run against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, models

from bench.filling import (
    DATE,
    LINE,
    PATIENT,
    REFERRAL,
    REQUEST,
    SITES,
    VISIT,
    ZONE,
    array,
    insert,
    of_site,
    site_of,
)

if TYPE_CHECKING:
    from bench.generate import Clinic


def referrals(clinic: Clinic, count: int) -> int:
    """One a patient: seven of ten open at every stage, each with its rule's date within the month; one in thirty of
    them fell due in the night that is over."""
    from coordinator.clocks.models import Clock
    from referrals.models import Referral
    from referrals.rules.referrals import NEXT_STEPS

    stages = ["draft", "sent", "accepted", "scheduled", "seen", "received", "ready", *["completed"] * 3]
    steps = {status: NEXT_STEPS[status] for status in stages if status != "completed"}
    words = [str(steps[status].text) if status in steps else "" for status in stages]
    rules = [
        _rule(steps[status].rule.format(urgency="routine")) if status in steps else None for status in stages
    ]
    source = f"""from (select n, n % 10 < 7 as is_open, now() + ((n / 10 * 7 % 30) - 1) * interval '1 day' + interval '1 hour' as due
                    from (select n, n as i from generate_series(0, {count - 1}) n) o) g, lateral (select n as i) p"""
    made = _dates(clinic, Clock, source + " where is_open", REFERRAL, "referrals.referral", rules)
    return made + insert(
        Referral,
        source,
        id=f"pg_temp.key({REFERRAL}, n)",
        patient=f"pg_temp.key({PATIENT}, i)",
        site=site_of(clinic),
        reference="'B-' || lpad(n::text, 7, '0')",
        specialty="(array['Cardiology', 'Nephrology', 'Orthopedics', 'Sleep medicine'])[1 + n % 4]",
        reason="'Made by the generator'",
        status=f"({array(stages, 'text')})[1 + n % 10]",
        owner=of_site(clinic.coordinators, f"i / {SITES}", "bigint"),
        next_step=f"({array(words, 'text')})[1 + n % 10]",
        clock=f"case when is_open then pg_temp.key({DATE + REFERRAL}, n) end",
        due_at="case when is_open then due end",
        stage_since="now() - (n % 30) * interval '1 day'",
        **dict.fromkeys(
            ("report_received_at", "reviewed_at", "patient_told_at", "loop_closed_at"),
            "case when not is_open then now() - interval '40 days' end",
        ),
    )


def authorizations(clinic: Clinic, count: int) -> int:
    """Six for ten patients: half approved and ending over the next half year, a third with the payer, the rest ours."""
    from coordinator.clocks.models import Clock
    from referrals.models import AuthorizationLine, Payer, PriorAuthorization

    stages = ["approved"] * 5 + ["submitted"] * 3 + ["gathering", "denied"]
    words = (
        ["Use it before it ends"] * 5
        + ["Payer decides"] * 3
        + ["Gather the papers", "Decide about the denial"]
    )
    follow_up, prepare = _rule("authorization.follow_up"), _rule("authorization.prepare")
    rules = [None] * 5 + [follow_up] * 3 + [prepare] * 2
    payers = [
        str(Payer.objects.create(name=name, payer_type=kind, zone=ZONE).pk)
        for name, kind in (
            ("HealthNorth Plus", "medicare_advantage"),
            ("Prairie Community Plan", "medicaid_managed"),
        )
    ]
    number = count * 6 // 10
    source = f"""from (select n, n % 10 < 5 as is_approved, now() + ((n / 10 * 7 % 30) - 1) * interval '1 day' + interval '1 hour' as due,
                         current_date + ((n / 10) % 180)::int - 1 as ends
                    from generate_series(0, {number - 1}) n) g, lateral (select n / 6 * 10 + n % 6 as i) p"""
    made = _dates(
        clinic, Clock, source + " where not is_approved", REQUEST, "referrals.priorauthorization", rules
    )
    made += insert(
        PriorAuthorization,
        source,
        id=f"pg_temp.key({REQUEST}, n)",
        patient=f"pg_temp.key({PATIENT}, i)",
        referral=f"pg_temp.key({REFERRAL}, i)",
        site=site_of(clinic),
        payer=f"({array(payers, 'uuid')})[1 + n % {len(payers)}]",
        service="(array['Echocardiogram', 'Cardiac rehabilitation', 'MRI of the knee', 'Sleep study'])[1 + n % 4]",
        status=f"({array(stages, 'text')})[1 + n % 10]",
        owner=of_site(clinic.coordinators, f"i / {SITES}", "bigint"),
        next_step=f"({array(words, 'text')})[1 + n % 10]",
        clock=f"case when not is_approved then pg_temp.key({DATE + REQUEST}, n) end",
        due_at="case when not is_approved then due end",
        stage_since="now() - (n % 30) * interval '1 day'",
        authorization_number="case when is_approved then 'B' || n else '' end",
        starts_on="case when is_approved then current_date - 30 end",
        ends_on="case when is_approved then ends end",
        denial_reason="case when n % 10 = 9 then 'Not medically necessary' else '' end",
        decided_at="case when is_approved or n % 10 = 9 then now() - interval '31 days' end",
    )
    # Each patient's visit is under the approval; of one in a hundred approvals it is the only unit.
    with connection.cursor() as cursor:
        cursor.execute(
            f"update scheduling_appointment v set authorization_id = pg_temp.key({REQUEST}, n) {source}"
            f" where is_approved and v.id = pg_temp.key({VISIT}, i)"
        )
    return made + insert(
        AuthorizationLine,
        source,
        id=f"pg_temp.key({LINE}, n)",
        authorization=f"pg_temp.key({REQUEST}, n)",
        number="1",
        service_code="'93306'",
        units_requested="12",
        decision="case when is_approved then 'approved' when n % 10 = 9 then 'denied' else '' end",
        units_approved="case when is_approved and n % 100 = 0 then 1 when is_approved then 12 end",
        starts_on="case when is_approved then current_date - 30 end",
        ends_on="case when is_approved then ends end",
    )


def _rule(key: str) -> str:
    """The key of the version in force of a rule of the register."""
    from coordinator.clocks.models import RuleVersion

    return str(RuleVersion.objects.filter(rule__key=key).order_by("-effective_from")[0].pk)


def _dates(
    clinic: Clinic, clock: type[models.Model], source: str, kind: int, subject: str, rules: list[str | None]
) -> int:
    """The running dates of records of a kind; `rules` by the last digit of n."""
    return insert(
        clock,
        source,
        id=f"pg_temp.key({DATE} + {kind}, n)",
        subject_type=f"'{subject}'",
        subject_id=f"pg_temp.key({kind}, n)",
        kind="'bench'",
        rule_version=f"({array([rule or rules[-1] or next(filter(None, rules)) for rule in rules], 'uuid')})[1 + n % 10]",
        zone=f"'{ZONE}'",
        anchor_at="due - interval '10 days'",
        due_at="due",
        original_due_at="due",
        site=site_of(clinic),
        owner_user=of_site(clinic.coordinators, f"i / {SITES}", "bigint"),
    )
