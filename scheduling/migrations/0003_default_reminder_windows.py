"""Reminders go 3 days and 1 day before a visit until somebody decides otherwise (Steiner, AJMC 2018)."""

from django.db import migrations
from django.utils import timezone

from coordinator.db import uuid7

DAYS = (3, 1)


def add_defaults(apps, schema_editor):
    window = apps.get_model("scheduling", "ReminderWindow")
    if window.objects.exists():
        return
    now = timezone.now()
    window.objects.bulk_create(
        window(id=uuid7(), service=None, days_before=days, created_at=now, updated_at=now) for days in DAYS
    )


def remove_defaults(apps, schema_editor):
    apps.get_model("scheduling", "ReminderWindow").objects.filter(service=None, days_before__in=DAYS).delete()


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0002_protect_rooms_when_a_patient_overlaps")]

    operations = [migrations.RunPython(add_defaults, remove_defaults)]
