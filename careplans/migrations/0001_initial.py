import django.contrib.postgres.indexes
import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.db


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("clocks", "0002_initial"),
        ("patients", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="CarePlan",
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
                ("title", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("program", models.CharField(blank=True, max_length=40)),
                ("category", models.CharField(blank=True, max_length=120)),
                ("intent", models.CharField(default="plan", max_length=20)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("active", "Active"),
                            ("on_hold", "On hold"),
                            ("completed", "Completed"),
                            ("revoked", "Revoked"),
                            ("entered_in_error", "Entered in error"),
                        ],
                        default="draft",
                        max_length=20,
                    ),
                ),
                ("starts_on", models.DateField(blank=True, null=True)),
                ("ends_on", models.DateField(blank=True, null=True)),
                ("next_review_on", models.DateField(blank=True, null=True)),
                ("agreed_on", models.DateField(blank=True, null=True)),
                ("agreed_with", models.CharField(blank=True, max_length=160)),
                ("plan_version", models.PositiveSmallIntegerField(default=1)),
                ("is_imported", models.BooleanField(default=False)),
                (
                    "author",
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
                        related_name="care_plans",
                        to="patients.patient",
                    ),
                ),
                (
                    "problems",
                    models.ManyToManyField(blank=True, related_name="care_plans", to="patients.problem"),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="careplans.careplan",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["patient", "status"], name="plan_patient"),
                    models.Index(
                        condition=models.Q(("status", "active")),
                        fields=["next_review_on"],
                        name="plan_review_due",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["draft", "active", "on_hold", "completed", "revoked", "entered_in_error"],
                            )
                        ),
                        name="plan_status_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_imported", False), ("status", "active")),
                        fields=("patient", "program"),
                        name="plan_one_active_per_program",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_on__isnull", True),
                            ("starts_on__isnull", True),
                            ("ends_on__gte", models.F("starts_on")),
                            _connector="OR",
                        ),
                        name="plan_period",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CarePlanChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=coordinator.db.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("step", models.CharField(max_length=40)),
                ("from_status", models.CharField(blank=True, max_length=30)),
                ("to_status", models.CharField(max_length=30)),
                ("at", models.DateTimeField()),
                ("by_system", models.CharField(blank=True, max_length=40)),
                ("reason", models.TextField(blank=True)),
                (
                    "facts",
                    models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="careplans.careplan",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Goal",
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
                ("description", models.CharField(max_length=500)),
                ("patient_words", models.TextField(blank=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("planned", "Planned"),
                            ("accepted", "Agreed"),
                            ("active", "Active"),
                            ("on_hold", "On hold"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                            ("rejected", "Refused"),
                            ("entered_in_error", "Entered in error"),
                        ],
                        default="proposed",
                        max_length=20,
                        verbose_name="lifecycle status",
                    ),
                ),
                (
                    "achievement_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("in_progress", "In progress"),
                            ("improving", "Improving"),
                            ("worsening", "Worsening"),
                            ("no_change", "No change"),
                            ("achieved", "Achieved"),
                            ("sustaining", "Sustaining"),
                            ("not_achieved", "Not achieved"),
                            ("no_progress", "No progress"),
                            ("not_attainable", "Not attainable"),
                        ],
                        max_length=20,
                    ),
                ),
                ("achieved_on", models.DateField(blank=True, null=True)),
                ("target_measure", models.CharField(blank=True, max_length=120)),
                ("target_low", models.DecimalField(blank=True, decimal_places=3, max_digits=12, null=True)),
                ("target_high", models.DecimalField(blank=True, decimal_places=3, max_digits=12, null=True)),
                ("target_unit", models.CharField(blank=True, max_length=40)),
                ("starts_on", models.DateField(blank=True, null=True)),
                ("due_on", models.DateField(blank=True, null=True)),
                ("expressed_by", models.CharField(blank=True, max_length=160)),
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
                        related_name="goals",
                        to="patients.patient",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="goals",
                        to="careplans.careplan",
                    ),
                ),
                ("problems", models.ManyToManyField(blank=True, related_name="goals", to="patients.problem")),
            ],
            options={
                "indexes": [models.Index(fields=["patient", "status"], name="goal_patient")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "proposed",
                                    "planned",
                                    "accepted",
                                    "active",
                                    "on_hold",
                                    "completed",
                                    "cancelled",
                                    "rejected",
                                    "entered_in_error",
                                ],
                            )
                        ),
                        name="goal_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "completed"), _negated=True),
                            models.Q(("achievement_status", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="goal_completed_says_how",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GoalChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=coordinator.db.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("step", models.CharField(max_length=40)),
                ("from_status", models.CharField(blank=True, max_length=30)),
                ("to_status", models.CharField(max_length=30)),
                ("at", models.DateTimeField()),
                ("by_system", models.CharField(blank=True, max_length=40)),
                ("reason", models.TextField(blank=True)),
                (
                    "facts",
                    models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="careplans.goal",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="GoalMeasurement",
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
                ("measured_on", models.DateField()),
                ("value", models.DecimalField(decimal_places=3, max_digits=12)),
                ("unit", models.CharField(blank=True, max_length=40)),
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
                    "goal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="measurements",
                        to="careplans.goal",
                    ),
                ),
            ],
            options={
                "ordering": ["measured_on"],
            },
        ),
        migrations.CreateModel(
            name="Intervention",
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
                ("description", models.CharField(max_length=500)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("in_progress", "In progress"),
                            ("done", "Done"),
                            ("not_done", "Not done"),
                            ("cancelled", "Cancelled"),
                            ("entered_in_error", "Entered in error"),
                        ],
                        default="planned",
                        max_length=20,
                    ),
                ),
                ("responsible_name", models.CharField(blank=True, max_length=160)),
                ("due_on", models.DateField(blank=True, null=True)),
                ("frequency", models.CharField(blank=True, max_length=80)),
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
                    "goal",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interventions",
                        to="careplans.goal",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interventions",
                        to="patients.patient",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interventions",
                        to="careplans.careplan",
                    ),
                ),
                (
                    "responsible",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "responsible_team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["plan"], name="intervention_plan")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "planned",
                                    "in_progress",
                                    "done",
                                    "not_done",
                                    "cancelled",
                                    "entered_in_error",
                                ],
                            )
                        ),
                        name="intervention_status_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InterventionChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=coordinator.db.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("step", models.CharField(max_length=40)),
                ("from_status", models.CharField(blank=True, max_length=30)),
                ("to_status", models.CharField(max_length=30)),
                ("at", models.DateTimeField()),
                ("by_system", models.CharField(blank=True, max_length=40)),
                ("reason", models.TextField(blank=True)),
                (
                    "facts",
                    models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="careplans.intervention",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Task",
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
                ("reason", models.CharField(blank=True, max_length=500)),
                ("next_step", models.CharField(blank=True, max_length=200)),
                ("program", models.CharField(blank=True, max_length=40)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("requested", "Assigned"),
                            ("received", "Seen"),
                            ("accepted", "Taken"),
                            ("rejected", "Handed back"),
                            ("ready", "To do"),
                            ("in_progress", "Started"),
                            ("on_hold", "Snoozed"),
                            ("failed", "Could not be done"),
                            ("completed", "Done"),
                            ("cancelled", "Cancelled"),
                            ("entered_in_error", "Entered in error"),
                        ],
                        default="ready",
                        max_length=20,
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[
                            ("routine", "Routine"),
                            ("urgent", "Urgent"),
                            ("asap", "As soon as possible"),
                            ("stat", "Immediately"),
                        ],
                        default="routine",
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("due_has_time", models.BooleanField(default=False)),
                ("waiting_on", models.CharField(blank=True, max_length=120)),
                ("wake_at", models.DateTimeField(blank=True, null=True)),
                ("hold_reason", models.CharField(blank=True, max_length=200)),
                ("opened_at", models.DateTimeField()),
                ("held_seconds", models.PositiveIntegerField(default=0)),
                ("held_since", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("outcome", models.CharField(blank=True, max_length=200)),
                ("close_reason", models.CharField(blank=True, max_length=60)),
                ("checklist", models.JSONField(blank=True, default=list)),
                ("dedupe_key", models.CharField(blank=True, max_length=200)),
                ("cause_type", models.CharField(blank=True, max_length=60)),
                ("cause_id", models.UUIDField(blank=True, null=True)),
                ("attempts_made", models.PositiveSmallIntegerField(default=0)),
                ("attempts_planned", models.PositiveSmallIntegerField(default=3)),
                ("last_contact_at", models.DateTimeField(blank=True, null=True)),
                ("last_contact_outcome", models.CharField(blank=True, max_length=30)),
                (
                    "clock",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="clocks.clock",
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
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks",
                        to="patients.patient",
                    ),
                ),
                (
                    "previous_owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tasks", to="accounts.site"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("status__in", ["requested", "received", "accepted", "ready", "in_progress"])
                        ),
                        fields=["owner", "due_at", "id"],
                        name="task_mine",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("status__in", ["requested", "received", "accepted", "ready", "in_progress"])
                        ),
                        fields=["team", "due_at", "id"],
                        name="task_pool",
                    ),
                    models.Index(
                        condition=models.Q(("status", "on_hold")),
                        fields=["owner", "wake_at"],
                        name="task_snoozed",
                    ),
                    models.Index(fields=["owner", "-ended_at"], name="task_done"),
                    models.Index(fields=["patient", "status"], name="task_patient"),
                    models.Index(
                        condition=models.Q(
                            ("status__in", ["requested", "received", "accepted", "ready", "in_progress"])
                        ),
                        fields=["site", "due_at", "id"],
                        name="task_site",
                    ),
                    models.Index(fields=["cause_id"], name="task_cause"),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass("title", name="gin_trgm_ops"),
                        name="task_title_trgm",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "draft",
                                    "requested",
                                    "received",
                                    "accepted",
                                    "rejected",
                                    "ready",
                                    "in_progress",
                                    "on_hold",
                                    "failed",
                                    "completed",
                                    "cancelled",
                                    "entered_in_error",
                                ],
                            )
                        ),
                        name="task_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("owner__isnull", False), ("team__isnull", False), _connector="OR"
                        ),
                        name="task_has_an_owner",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "on_hold"), _negated=True),
                            ("wake_at__isnull", False),
                            _connector="OR",
                        ),
                        name="task_hold_wakes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["completed", "cancelled", "failed"]), _negated=True),
                            ("ended_at__isnull", False),
                            _connector="OR",
                        ),
                        name="task_ended_when",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            models.Q(("dedupe_key", ""), _negated=True),
                            (
                                "status__in",
                                [
                                    "requested",
                                    "received",
                                    "accepted",
                                    "ready",
                                    "in_progress",
                                    "draft",
                                    "rejected",
                                    "on_hold",
                                ],
                            ),
                        ),
                        fields=("dedupe_key",),
                        name="task_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ContactAttempt",
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
                    "direction",
                    models.CharField(choices=[("out", "Out"), ("in", "In")], default="out", max_length=3),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("phone", "Phone"),
                            ("text", "Text message"),
                            ("email", "E-mail"),
                            ("letter", "Letter"),
                            ("portal", "Portal"),
                            ("in_person", "In person"),
                            ("fax", "Fax"),
                        ],
                        default="phone",
                        max_length=10,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("reached_done", "Reached"),
                            ("reached_call_back", "Reached, call back later"),
                            ("left_message", "Left voicemail"),
                            ("no_answer", "No answer"),
                            ("busy", "Busy"),
                            ("wrong_number", "Wrong number"),
                            ("disconnected", "Disconnected"),
                            ("refused", "Refused"),
                            ("spoke_with_caregiver", "Spoke with caregiver"),
                            ("language_barrier", "Needs an interpreter"),
                        ],
                        max_length=30,
                    ),
                ),
                ("reached", models.BooleanField()),
                (
                    "topic",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("scheduling", "Scheduling"),
                            ("transport", "Transport"),
                            ("medicines", "Medicines"),
                            ("results", "Results"),
                            ("plan", "Care plan"),
                            ("money", "Money"),
                        ],
                        max_length=12,
                    ),
                ),
                ("note", models.TextField(blank=True)),
                ("minutes", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("interpreter", models.CharField(blank=True, max_length=80)),
                ("at", models.DateTimeField()),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                (
                    "contact_point",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="patients.contactpoint",
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
                        related_name="contact_attempts",
                        to="patients.patient",
                    ),
                ),
                (
                    "related_person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="patients.relatedperson",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contact_attempts",
                        to="careplans.task",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["patient", "-at"], name="contact_patient"),
                    models.Index(fields=["task", "-at"], name="contact_task"),
                    models.Index(fields=["created_by", "-at"], name="contact_by"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "outcome__in",
                                [
                                    "reached_done",
                                    "reached_call_back",
                                    "left_message",
                                    "no_answer",
                                    "busy",
                                    "wrong_number",
                                    "disconnected",
                                    "refused",
                                    "spoke_with_caregiver",
                                    "language_barrier",
                                ],
                            )
                        ),
                        name="contact_outcome_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TaskChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=coordinator.db.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("step", models.CharField(max_length=40)),
                ("from_status", models.CharField(blank=True, max_length=30)),
                ("to_status", models.CharField(max_length=30)),
                ("at", models.DateTimeField()),
                ("by_system", models.CharField(blank=True, max_length=40)),
                ("reason", models.TextField(blank=True)),
                (
                    "facts",
                    models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="careplans.task",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="TaskInterval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("held_seconds", models.PositiveIntegerField(default=0)),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="intervals",
                        to="careplans.task",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("task",),
                        name="task_one_open_interval",
                    )
                ],
            },
        ),
    ]
