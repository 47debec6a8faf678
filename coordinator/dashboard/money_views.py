"""The Money tab of a patient's page: bills, aid, benefits and estimates, and who may hear about them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from coordinator.dashboard.summary_views import open_chart
from coordinator.http import page, requires
from referrals.selectors.money import money_of


@requires("referrals.view")
@require_GET
def patient_money(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the patient owes and asked for, open things first."""
    chart = open_chart(request, pk, "money")
    chart |= {"money": money_of(request.user, chart["patient"])}
    chart["may_add"] = request.user.can("referrals.edit") and not chart["closed"]
    chart["told"] = [p for p in chart["facts"].family if "money" in p.topics and not p.do_not_contact]
    return page(request, "dashboard/patient_money.html", chart)
