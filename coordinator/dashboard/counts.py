"""Open work beside the links of the rail."""

from __future__ import annotations

from typing import Any

from django.db import connection

from careplans.workflow import WORKABLE
from patients.models import HIDDEN, hidden_params

# By hand: every page asks, and building this by the ORM costs more than the answer.
OPEN_WORK = f"""
select 'dashboard:my_work', (
select count(*) from careplans_task
 where owner_id = %s and waiting_on = '' and status = any(%s)
   and (patient_id is null or patient_id not in ({HIDDEN}))
) + (
select count(*) from accounts_delegation d join careplans_task t on t.owner_id = d.person_id
  left join accounts_delegatedpart x on x.delegation_id = d.id and x.record_id = t.id
 where d.starts_at <= statement_timestamp() and d.ends_at > statement_timestamp()
   and coalesce(x.delegate_id, d.delegate_id) = %s and t.site_id = any(%s::uuid[])
   and t.waiting_on = '' and t.status = any(%s) and (t.patient_id is null or t.patient_id not in ({HIDDEN}))
)
 union all
select 'referrals:referral_list', count(*) from referrals_referral
 where owner_id = %s and loop_closed_at is null and patient_id not in ({HIDDEN})
"""  # noqa: S608  (fixed text)
# What AccessGrant.objects.visible_to() and to_review() say.
TO_REVIEW = """
select 'dashboard:access_reviews', count(*) from patients_accessgrant g join patients_patient p on p.id = g.patient_id
 where g.reviewed_at is null and g.user_id <> %s and (%s or p.site_id = any(%s::uuid[]))
"""


def open_work(user: Any) -> dict[str, int]:
    """The tasks on the person's list (own, and of whom they cover for), own referrals not closed, and accesses to review, by URL name. One query."""
    parts: list[str] = []
    params: list[Any] = []
    if user.can("tasks.work"):
        hidden, statuses = hidden_params(user), [str(status) for status in WORKABLE]
        parts.append(OPEN_WORK)
        params += [user.pk, statuses, *hidden]
        params += [user.pk, [str(site) for site in user.site_ids], statuses, *hidden]
        params += [user.pk, *hidden]
    if user.can("access.review"):
        parts.append(TO_REVIEW)
        params += [user.pk, user.can("audit.view"), [str(site) for site in user.site_ids]]
    if not parts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(parts), params)
        return dict(cursor.fetchall())
