"""Open work beside the links of the rail."""

from __future__ import annotations

from typing import Any

from careplans.workflow import WORKABLE
from coordinator.db import planned_rows
from patients.models import HIDDEN, hidden_params

# Whom the person may not see, by name: the same value stands for several places.
UNSEEN = HIDDEN % ("%(me)s", "%(me)s", "%(as_practitioner)s", "%(me)s", "%(me)s", "%(me)s")
# Fixed text and no parameter, so that every plan knows that the index of workable tasks (task_mine) answers.
ON_THE_LIST = "t.waiting_on = '' and t.status in (" + ", ".join(f"'{status!s}'" for status in WORKABLE) + ")"
# By hand: every page asks, and building this by the ORM costs more than the answer.
# A referral without a due date is over: reviewed and told, or entered in error.
OPEN_WORK = f"""
select 'dashboard:my_work', (
select count(*) from careplans_task t
 where t.owner_id = %(me)s and {ON_THE_LIST}
   and (t.patient_id is null or t.patient_id not in ({UNSEEN}))
) + (
select count(*) from accounts_delegation d join careplans_task t on t.owner_id = d.person_id
  left join accounts_delegatedpart x on x.delegation_id = d.id and x.record_id = t.id
 where d.starts_at <= statement_timestamp() and d.ends_at > statement_timestamp()
   and coalesce(x.delegate_id, d.delegate_id) = %(me)s and t.site_id = any(%(sites)s::uuid[])
   and {ON_THE_LIST} and (t.patient_id is null or t.patient_id not in ({UNSEEN}))
)
 union all
select 'referrals:referral_list', count(*) from referrals_referral
 where owner_id = %(me)s and loop_closed_at is null and due_at is not null and patient_id not in ({UNSEEN})
"""  # noqa: S608  (fixed text)
# What AccessGrant.objects.visible_to() and to_review() say.
TO_REVIEW = """
select 'dashboard:access_reviews', count(*) from patients_accessgrant g join patients_patient p on p.id = g.patient_id
 where g.reviewed_at is null and g.user_id <> %(me)s and (%(every_site)s or p.site_id = any(%(sites)s::uuid[]))
"""


def open_work(user: Any) -> dict[str, int]:
    """The tasks on the person's list (own, and of whom they cover for), own referrals not closed, and accesses to review, by URL name. One query."""
    parts: list[str] = []
    params: dict[str, Any] = {"me": user.pk, "sites": [str(site) for site in user.site_ids]}
    if user.can("tasks.work"):
        parts.append(OPEN_WORK)
        params["as_practitioner"] = hidden_params(user)[2]
    if user.can("access.review"):
        parts.append(TO_REVIEW)
        params["every_site"] = user.can("audit.view")
    return dict(planned_rows(" union all ".join(parts), params)) if parts else {}
