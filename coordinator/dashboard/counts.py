"""Open work beside the links of the rail."""

from __future__ import annotations

from typing import Any

from django.db import connection

from careplans.workflow import WORKABLE

# By hand: every page asks, and building this by the ORM costs more than the answer.
OPEN_WORK = """
select (select count(*) from careplans_task
         where owner_id = %(user)s and waiting_on = '' and status = any(%(workable)s)),
       (select count(*) from referrals_referral where owner_id = %(user)s and loop_closed_at is null)
"""


def open_work(user: Any) -> dict[str, int]:
    """The person's own tasks on the list and own referrals not closed, by URL name. One query."""
    if not user.can("tasks.work"):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(OPEN_WORK, {"user": user.pk, "workable": [str(status) for status in WORKABLE]})
        tasks, referrals = cursor.fetchone()
    return {"dashboard:my_work": tasks, "referrals:referral_list": referrals}
