"""Where somebody of the family can be chosen, written to or shown: every place, in one table.

What each place tells is written from what the patient decides (RelatedPerson.topics), not copied from what it does.
A place that is not here fails, and so does a row whose place is gone (test_family_topics).
"""

from __future__ import annotations

from dataclasses import dataclass

from patients.models import Topic

CHOSEN = "chosen"  # the person who writes says what it was about
STAFF = "staff"  # stays with those who work here
NOBODY = "nobody"  # tells nothing about a patient


@dataclass(frozen=True)
class Place:
    """`kind` is how it is found, `name` which one, `tells` a Topic or one of the words above."""

    kind: str
    name: str
    tells: str


PLACES = [
    # Forms that offer relatives, inputs of the API that take one, services that are given one, rows that keep one.
    Place("form", "careplans.forms.LogContactForm", CHOSEN),
    Place("form", "coordinator.dashboard.summary_contact.PatientContactForm", CHOSEN),
    Place("form", "coordinator.dashboard.handout_views.HandoutForm", CHOSEN),
    Place("form", "referrals.forms.money.ExplainForm", Topic.MONEY),
    Place("input", "coordinator.api.serializers.tasks.ContactWrite", CHOSEN),
    Place("input", "coordinator.api.steps.BillExplain", Topic.MONEY),
    Place("service", "careplans.services.contacts.log_contact", CHOSEN),
    Place("service", "careplans.services.copies.give_copy", CHOSEN),
    Place("service", "patients.services.reconciliation.reconcile_list", Topic.MEDICINES),
    Place("service", "referrals.services.bills.explain_bill", Topic.MONEY),
    Place("row", "referrals.Bill.explained_to", Topic.MONEY),
    Place("row", "careplans.ContactAttempt.related_person", CHOSEN),
    Place("row", "patients.Reconciliation.related_person", Topic.MEDICINES),
    # Templates that show a relative, or a number that belongs to one: the badge has to stand there too.
    Place("template", "careplans/_phone.html", STAFF),
    Place("template", "careplans/_task.html", STAFF),
    Place("template", "dashboard/_chart_head.html", STAFF),
    Place("template", "dashboard/call_list.html", STAFF),
    Place("template", "dashboard/patient_details.html", STAFF),
    Place("template", "dashboard/patient_money.html", STAFF),
    Place("template", "patients/_who_may_hear.html", STAFF),
    # Messages that leave, by their wording; they go to numbers that may belong to somebody of the family.
    Place("message", "visit_reminder", Topic.SCHEDULING),
    Place("message", "opt_out_confirmation", NOBODY),
    # Paper: for those who work here, and one for the family, by topic.
    Place("print", "dashboard/_handout.html", CHOSEN),
    Place("print", "careplans/plan_detail.html", STAFF),
    Place("print", "careplans/task_detail.html", STAFF),
    Place("print", "dashboard/leave_sheet.html", STAFF),
    Place("print", "patients/update_detail.html", STAFF),
    Place("print", "dashboard/call_list.html", STAFF),
    Place("print", "dashboard/chart_base.html", STAFF),
    Place("print", "dashboard/my_work.html", STAFF),
    Place("print", "dashboard/team_board.html", NOBODY),
    Place("print", "dashboard/team_list.html", STAFF),
    Place("print", "dashboard/loop_board.html", STAFF),
    Place("print", "dashboard/authorization_board.html", NOBODY),
    Place("print", "dashboard/figure_list.html", STAFF),
    Place("print", "dashboard/report_card.html", NOBODY),
    Place("print", "dashboard/report_card_payer.html", NOBODY),
    Place("print", "referrals/denial_detail.html", STAFF),
    Place("print", "referrals/referral_detail.html", STAFF),
    Place("print", "referrals/referral_list.html", STAFF),
    Place("print", "referrals/inbound_list.html", STAFF),
    Place("print", "referrals/authorization_detail.html", STAFF),
    Place("print", "referrals/authorization_list.html", STAFF),
    Place("print", "exchange/closing_loop.html", STAFF),
    Place("print", "referrals/board.html", STAFF),
    Place("print", "scheduling/_schedule.html", STAFF),
    Place("print", "scheduling/appointment_detail.html", STAFF),
    Place("print", "scheduling/missed_list.html", STAFF),
    Place("print", "scheduling/away.html", STAFF),
    Place("print", "scheduling/waitlist.html", STAFF),
]
