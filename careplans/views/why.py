""" "Why this date?" of a task and of a plan's review."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from careplans import date_reasons
from careplans.models import CarePlan
from careplans.selectors import whole_tasks
from coordinator.clocks.reasons import reasons_for
from coordinator.http import get_visible_or_404, page, requires
from coordinator.wording import week_day


@requires("tasks.view")
@require_GET
def task_why(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The rule's explanation where a clock sets the date, else who set it, when and why."""
    task = get_visible_or_404(whole_tasks(), request.user, pk=pk)
    subject = date_reasons.task_subject(task)
    if task.clock is not None:
        context = {
            "reasons": reasons_for(task.clock, site_calendar=task.site.calendar),
            "subject": subject,
            "clock": task.clock,
            "may_see_rules": request.user.can("rules.propose"),
        }
        return page(request, "clocks/why.html", context, part="clocks/_why.html")
    context = {
        "subject": subject,
        "date": date_reasons.due_words(task),
        "rows": date_reasons.who_dated_task(task),
        "changes": _("Whoever works on the task may change the date; the history keeps the earlier one."),
        "site": task.site,
    }
    return page(request, "careplans/why.html", context, part="careplans/_why.html")


@requires("plans.view")
@require_GET
def plan_why(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who set the review of a care plan, when and why."""
    plan = get_visible_or_404(CarePlan.objects.select_related("patient__site"), request.user, pk=pk)
    on = plan.next_review_on
    context = {
        "subject": date_reasons.plan_subject(plan),
        "date": _("Next review: %(day)s.") % {"day": week_day(on)} if on else _("No date was set."),
        "rows": date_reasons.who_dated_plan(plan),
        "changes": _("Whoever works on the plan may change the date; the history keeps who did."),
        "site": plan.patient.site,
    }
    return page(request, "careplans/why.html", context, part="careplans/_why.html")
