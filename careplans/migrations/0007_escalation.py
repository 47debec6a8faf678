"""Set points at which overdue tasks are escalated, each time one was passed, and the last time on the task itself."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

import coordinator.db

# product defaults: for which tasks, after how many business days overdue
POINTS = (("clock", 1), ("urgent", 1), ("any", 3))


def add_points(apps, schema_editor):
    point = apps.get_model("careplans", "EscalationPoint")
    now = timezone.now()
    point.objects.bulk_create(
        point(
            id=coordinator.db.uuid7(), applies_to=applies_to, days=days, effect="inform",
            created_at=now, updated_at=now,
        )
        for applies_to, days in POINTS
    )  # fmt: skip


def forget_points(apps, schema_editor):
    """The table goes with the step before."""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_delegations"),
        ("careplans", "0005_provider_update_tasks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="task",
            name="escalated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="task",
            name="escalated_to",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.CreateModel(
            name="EscalationPoint",
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
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("discharge_call", "Post-discharge call"),
                            ("outreach_call", "Call"),
                            ("book_visit", "Book a visit"),
                            ("no_show_follow_up", "No-show follow-up"),
                            ("plan_review", "Plan review"),
                            ("referral_follow_up", "Referral follow-up"),
                            ("authorization", "Prior authorization"),
                            ("paperwork", "Paperwork"),
                            ("results", "Results"),
                            ("transport", "Transport"),
                            ("data_quality", "Fix the record"),
                            ("message_failed", "Message failed"),
                            ("provider_update", "Provider update"),
                            ("other", "Other"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "applies_to",
                    models.CharField(
                        choices=[
                            ("any", "All tasks"),
                            ("clock", "Tasks whose deadline a rule sets"),
                            ("urgent", "Urgent tasks"),
                        ],
                        default="any",
                        max_length=10,
                    ),
                ),
                (
                    "days",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(20),
                        ]
                    ),
                ),
                (
                    "effect",
                    models.CharField(
                        choices=[
                            ("inform", "Inform a manager"),
                            ("team_list", "Move it to the team list"),
                            ("raise_priority", "Raise its priority"),
                        ],
                        max_length=20,
                    ),
                ),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["days", "kind", "applies_to", "effect"],
            },
        ),
        migrations.CreateModel(
            name="Escalation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=coordinator.db.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("days", models.PositiveSmallIntegerField()),
                (
                    "interval",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="careplans.taskinterval",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="escalations",
                        to="careplans.task",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "told",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "point",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="escalations",
                        to="careplans.escalationpoint",
                    ),
                ),
            ],
            options={
                "ordering": ["at"],
            },
        ),
        migrations.AddConstraint(
            model_name="escalationpoint",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at", None)),
                fields=("kind", "applies_to", "days", "effect"),
                name="escalation_point_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="escalationpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("days__gte", 1), ("days__lte", 20)), name="escalation_point_days"
            ),
        ),
        migrations.AddConstraint(
            model_name="escalationpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("applies_to__in", ["any", "clock", "urgent"])),
                name="escalation_point_applies_to",
            ),
        ),
        migrations.AddConstraint(
            model_name="escalationpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("effect__in", ["inform", "team_list", "raise_priority"])),
                name="escalation_point_effect",
            ),
        ),
        migrations.AddConstraint(
            model_name="escalation",
            constraint=models.UniqueConstraint(fields=("task", "interval", "point"), name="escalated_once"),
        ),
        migrations.RunPython(add_points, forget_points),
    ]
