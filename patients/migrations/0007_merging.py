"""Merged patients, and the account of each merge, in which nothing changes but its undoing, once."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.db

FORWARD = """
create function merges_change_only_once() returns trigger language plpgsql as $$
begin
  raise exception 'the account of a merge is changed only by taking it back' using errcode = 'insufficient_privilege';
end $$;
create trigger merge_stays before delete on patients_patientmerge
  for each row execute function merges_change_only_once();
create trigger merge_changes_only_once before update on patients_patientmerge
  for each row when (
    old.undone_at is not null
    or (old.survivor_id, old.other_id, old.other_status, old.fields, old.moved, old.changed, old.made, old.at,
        old.reason, old.by_system, old.created_at, old.created_by_id)
    is distinct from (new.survivor_id, new.other_id, new.other_status, new.fields, new.moved, new.changed, new.made,
        new.at, new.reason, new.by_system, new.created_at, new.created_by_id)
  ) execute function merges_change_only_once();
"""
BACKWARD = """
drop trigger merge_changes_only_once on patients_patientmerge;
drop trigger merge_stays on patients_patientmerge;
drop function merges_change_only_once();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_outside_locations"),
        ("patients", "0006_consents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PatientMerge",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=coordinator.db.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "other_status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("inactive", "Inactive"),
                            ("transferred", "Transferred elsewhere"),
                            ("deceased", "Deceased"),
                            ("merged", "Merged"),
                            ("entered_in_error", "Entered in error"),
                        ],
                        max_length=20,
                    ),
                ),
                ("fields", models.JSONField(default=dict)),
                ("moved", models.JSONField(default=dict)),
                ("changed", models.JSONField(default=list)),
                ("made", models.JSONField(default=list)),
                ("at", models.DateTimeField()),
                ("by_system", models.CharField(blank=True, max_length=40)),
                ("reason", models.TextField()),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("undone_reason", models.TextField(blank=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="patient",
            name="patient_status_known",
        ),
        migrations.AlterField(
            model_name="patient",
            name="status",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("inactive", "Inactive"),
                    ("transferred", "Transferred elsewhere"),
                    ("deceased", "Deceased"),
                    ("merged", "Merged"),
                    ("entered_in_error", "Entered in error"),
                ],
                default="active",
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["active", "inactive", "transferred", "deceased", "merged", "entered_in_error"],
                    )
                ),
                name="patient_status_known",
            ),
        ),
        migrations.AddField(
            model_name="patientmerge",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="patientmerge",
            name="other",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
            ),
        ),
        migrations.AddField(
            model_name="patientmerge",
            name="survivor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
            ),
        ),
        migrations.AddField(
            model_name="patientmerge",
            name="undone_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="patientmerge",
            index=models.Index(fields=["survivor", "-id"], name="merge_survivor"),
        ),
        migrations.AddConstraint(
            model_name="patientmerge",
            constraint=models.CheckConstraint(
                condition=models.Q(("survivor", models.F("other")), _negated=True), name="merge_of_two"
            ),
        ),
        migrations.AddConstraint(
            model_name="patientmerge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at__isnull", True)), fields=("other",), name="merge_into_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="patientmerge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("undone_at__isnull", True),
                    models.Q(("undone_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="merge_undone_why",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
