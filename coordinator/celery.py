"""Celery carries hints: ids only, JSON only, no results, no eta.

PostgreSQL rows are the truth about what is due. Beat only says "look"; two beats or a lost
message change nothing, because every job is keyed by its period or claims rows by lease.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")

app = Celery("coordinator")
app.config_from_object("django.conf:settings", namespace="CELERY")
# The field's Task is work for a person, so Celery's entry points are jobs and live in jobs.py.
app.autodiscover_tasks(related_name="jobs")

app.conf.beat_schedule = {
    # Sends what is due; finds rows left behind by a killed worker once their lease ends.
    "deliver-due-messages": {"task": "messaging.deliver_due", "schedule": 60.0},
    # Starts the nightly cycle when a site's night has come and its row is not there yet.
    "nightly-cycle": {"task": "coordinator.nightly_cycle", "schedule": 300.0},
    # Looks for people recorded twice, once a night; in between it asks whether that was done.
    "find-duplicates": {"task": "coordinator.find_duplicates", "schedule": 900.0},
    # Replies and receipts; a hint usually comes first.
    "gateway-events": {"task": "scheduling.handle_gateway_events", "schedule": 60.0},
    # Offers of the waitlist whose time is over, while their place is open.
    "expire-waitlist-offers": {"task": "scheduling.expire_offers", "schedule": 60.0},
    "clock-sweep": {"task": "clocks.sweep", "schedule": 300.0},
    "send-password-links": {"task": "accounts.send_password_links", "schedule": 60.0},
    "run-waiting-imports": {"task": "imports.run_waiting", "schedule": 30.0},
    # Pictures of new documents; a hint usually comes first.
    "make-previews": {"task": "patients.make_previews", "schedule": 60.0},
    # Papers in the drop folders, and those that wait to be read; a hint usually comes first.
    "read-incoming-papers": {"task": "referrals.read_inbound", "schedule": 60.0},
    # Packets by fax and through links; a hint usually comes first.
    "follow-deliveries": {"task": "referrals.follow_deliveries", "schedule": 60.0},
    "run-caseload-imports": {"task": "imports.run_caseload", "schedule": 30.0},
    "make-record-exports": {"task": "record.run_exports", "schedule": 30.0},
    "wake-snoozed-tasks": {"task": "careplans.wake_due_tasks", "schedule": 300.0},
    "forget-drafts": {"task": "coordinator.forget_drafts", "schedule": 6 * 3600.0},
    # Reminds provider and writer of an update whose time has passed, once a day each.
    "chase-provider-updates": {"task": "careplans.chase_updates", "schedule": 900.0},
    "forget-old-api-answers": {"task": "api.forget_old_answers", "schedule": 6 * 3600.0},
}
