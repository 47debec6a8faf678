"""Why tasks are closed becomes a list that managers keep; bundles are sets of tasks, and each start of one is kept."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

import coordinator.db

# code, English, Spanish, needs a note; the codes are those that tasks hold already
REASONS = (
    ("no_longer_needed", "No longer needed", "Ya no es necesario", False),
    ("duplicate", "Duplicate of another task", "Repetida: ya hay otra tarea", False),
    ("done_elsewhere", "Done by somebody else", "La hizo otra persona", False),
    ("unable_to_reach", "Unable to reach", "No fue posible comunicarse", False),
    ("refused", "Patient refused", "El paciente no quiso", False),
    ("left_the_clinic", "Patient left the clinic", "El paciente dejó la clínica", False),
    ("deceased", "Patient has died", "El paciente falleció", False),
    ("other", "Other", "Otro motivo", True),
)


def add_reasons(apps, schema_editor):
    reason = apps.get_model("careplans", "CloseReason")
    now = timezone.now()
    reason.objects.bulk_create(
        reason(
            id=coordinator.db.uuid7(), code=code, label=label, label_es=label_es, needs_note=needs_note,
            position=place, created_at=now, updated_at=now,
        )
        for place, (code, label, label_es, needs_note) in enumerate(REASONS, 1)
    )  # fmt: skip


def forget_reasons(apps, schema_editor):
    """The table goes with the step before; tasks keep their codes."""


class Migration(migrations.Migration):
    dependencies = [
        ("careplans", "0001_initial"),
        ("patients", "0009_restricted_records"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Bundle",
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
                ("name", models.CharField(max_length=120)),
                ("program", models.CharField(blank=True, max_length=40)),
                ("anchor", models.CharField(max_length=60)),
                ("about", models.CharField(blank=True, max_length=300)),
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
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="BundleItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=coordinator.db.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
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
                            ("other", "Other"),
                        ],
                        default="other",
                        max_length=30,
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("next_step", models.CharField(blank=True, max_length=200)),
                (
                    "days",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MaxValueValidator(730)]
                    ),
                ),
                (
                    "counts",
                    models.CharField(
                        choices=[("business_days", "business days"), ("calendar_days", "calendar days")],
                        default="business_days",
                        max_length=20,
                    ),
                ),
                (
                    "goes_to",
                    models.CharField(
                        choices=[
                            ("coordinator", "The patient's coordinator"),
                            ("starter", "Whoever starts the bundle"),
                            ("team", "A team list"),
                            ("role", "Somebody of a role"),
                        ],
                        default="coordinator",
                        max_length=20,
                    ),
                ),
                ("team_name", models.CharField(blank=True, max_length=120)),
                (
                    "role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("coordinator", "Care coordinator"),
                            ("lead", "Lead coordinator"),
                            ("manager", "Manager"),
                        ],
                        max_length=20,
                    ),
                ),
                ("checklist", models.JSONField(blank=True, default=list)),
                (
                    "bundle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="careplans.bundle",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="CloseReason",
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
                ("code", models.CharField(max_length=60, unique=True)),
                ("label", models.CharField(max_length=80)),
                ("label_es", models.CharField(blank=True, max_length=80)),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), blank=True, default=list, size=None
                    ),
                ),
                ("needs_note", models.BooleanField(default=False)),
                ("position", models.PositiveSmallIntegerField()),
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
                "ordering": ["position", "label"],
            },
        ),
        migrations.CreateModel(
            name="StartedBundle",
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
                ("name", models.CharField(max_length=120)),
                ("anchor_on", models.DateField()),
                ("start_key", models.CharField(max_length=120)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                ("cancel_reason", models.CharField(blank=True, max_length=200)),
                (
                    "bundle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="started",
                        to="careplans.bundle",
                    ),
                ),
                (
                    "cancelled_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bundles",
                        to="patients.patient",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.AddConstraint(
            model_name="bundle",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"), name="bundle_name_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="bundleitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("days__lte", 730)), name="bundle_item_days"
            ),
        ),
        migrations.AddConstraint(
            model_name="bundleitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("counts__in", ["business_days", "calendar_days"])),
                name="bundle_item_counts",
            ),
        ),
        migrations.AddConstraint(
            model_name="bundleitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("goes_to__in", ["coordinator", "starter", "team", "role"])),
                name="bundle_item_goes_to",
            ),
        ),
        migrations.AddConstraint(
            model_name="bundleitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("goes_to", "role"), _negated=True),
                    models.Q(("role", ""), _negated=True),
                    _connector="OR",
                ),
                name="bundle_item_role",
            ),
        ),
        migrations.AddConstraint(
            model_name="closereason",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("label"), name="close_reason_label_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="closereason",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("code__in", ("no_longer_needed", "unable_to_reach", "refused")), _negated=True),
                    models.Q(("kinds", []), ("retired_at", None)),
                    _connector="OR",
                ),
                name="close_reason_of_rules_stays",
            ),
        ),
        migrations.AddIndex(
            model_name="startedbundle",
            index=models.Index(fields=["patient", "-created_at"], name="bundle_of_patient"),
        ),
        migrations.AddConstraint(
            model_name="startedbundle",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cancelled_at", None)), fields=("start_key",), name="bundle_started_once"
            ),
        ),
        migrations.RunPython(add_reasons, forget_reasons),
    ]
