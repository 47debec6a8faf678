import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.db


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_delegations"),
        ("clocks", "0003_append_only"),
        ("patients", "0014_standing_before"),
        ("referrals", "0002_reference_number"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AuthorizationLineVersion",
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
                ("number", models.PositiveSmallIntegerField()),
                ("service_code", models.CharField(max_length=20)),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "No answer yet"),
                            ("approved", "Approved"),
                            ("modified", "Approved with changes"),
                            ("denied", "Denied"),
                            ("pended", "Pended"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                ("units_approved", models.PositiveIntegerField(blank=True, null=True)),
                ("starts_on", models.DateField(blank=True, null=True)),
                ("ends_on", models.DateField(blank=True, null=True)),
                ("reason", models.TextField(blank=True)),
                ("replaced_at", models.DateTimeField()),
                ("replaced_because", models.CharField(max_length=300)),
            ],
            options={
                "ordering": ["line", "number"],
            },
        ),
        migrations.CreateModel(
            name="AuthorizationPaper",
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
                ("label", models.CharField(max_length=160)),
                (
                    "document_kind",
                    models.CharField(
                        choices=[
                            ("report", "Visit or consultation report"),
                            ("result", "Laboratory or imaging result"),
                            ("discharge", "Discharge summary"),
                            ("referral", "Referral"),
                            ("authorization", "Authorization or denial"),
                            ("insurance", "Insurance card"),
                            ("identification", "Identification"),
                            ("consent", "Signed consent"),
                            ("directive", "Advance directive"),
                            ("letter", "Letter"),
                            ("form", "Form"),
                            ("photo", "Photo"),
                            ("other", "Other document"),
                        ],
                        default="other",
                        max_length=20,
                    ),
                ),
                ("is_required", models.BooleanField(default=True)),
                ("hint", models.CharField(blank=True, max_length=300)),
                ("attached_at", models.DateTimeField(blank=True, null=True)),
                ("dropped_because", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="PayerCall",
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
                ("error_reason", models.CharField(blank=True, max_length=500)),
                ("called_at", models.DateTimeField()),
                ("representative", models.CharField(blank=True, max_length=120)),
                ("call_reference", models.CharField(blank=True, max_length=60)),
                ("hold_minutes", models.PositiveSmallIntegerField(default=0)),
                ("talk_minutes", models.PositiveSmallIntegerField(default=0)),
                ("said", models.CharField(max_length=1000)),
                ("promised", models.CharField(blank=True, max_length=300)),
                ("promised_by", models.DateField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-called_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="PayerRequirement",
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
                ("service_code", models.CharField(blank=True, max_length=20)),
                ("specialty", models.CharField(blank=True, max_length=120)),
                (
                    "pa_needed",
                    models.CharField(
                        choices=[
                            ("no-auth", "Not needed"),
                            ("auth-needed", "Needed"),
                            ("satisfied", "Needed, and there is one already"),
                            ("performpa", "Needed; the payer takes the request with this question"),
                            ("conditional", "It depends: more has to be known"),
                            ("indeterminate", "The payer could not say"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "covered",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("covered", "Covered"),
                            ("not-covered", "Not covered"),
                            ("conditional", "Covered under conditions"),
                            ("indeterminate", "The payer could not say"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "doc_needed",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("clinical", "Clinical papers"),
                                ("admin", "Administrative papers"),
                                ("patient", "Something from the patient"),
                            ],
                            max_length=10,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("source", models.CharField(max_length=200)),
                ("source_on", models.DateField()),
                ("expires_on", models.DateField()),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "ordering": ["payer__name", "specialty", "service_code"],
            },
        ),
        migrations.CreateModel(
            name="RequiredPaper",
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
                ("service_code", models.CharField(blank=True, max_length=20)),
                ("label", models.CharField(max_length=160)),
                (
                    "document_kind",
                    models.CharField(
                        choices=[
                            ("report", "Visit or consultation report"),
                            ("result", "Laboratory or imaging result"),
                            ("discharge", "Discharge summary"),
                            ("referral", "Referral"),
                            ("authorization", "Authorization or denial"),
                            ("insurance", "Insurance card"),
                            ("identification", "Identification"),
                            ("consent", "Signed consent"),
                            ("directive", "Advance directive"),
                            ("letter", "Letter"),
                            ("form", "Form"),
                            ("photo", "Photo"),
                            ("other", "Other document"),
                        ],
                        default="other",
                        max_length=20,
                    ),
                ),
                ("is_required", models.BooleanField(default=True)),
                ("hint", models.CharField(blank=True, max_length=300)),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "ordering": ["payer__name", "service_code", "label"],
            },
        ),
        migrations.CreateModel(
            name="RequirementCheck",
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
                ("error_reason", models.CharField(blank=True, max_length=500)),
                (
                    "covered",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("covered", "Covered"),
                            ("not-covered", "Not covered"),
                            ("conditional", "Covered under conditions"),
                            ("indeterminate", "The payer could not say"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "pa_needed",
                    models.CharField(
                        choices=[
                            ("no-auth", "Not needed"),
                            ("auth-needed", "Needed"),
                            ("satisfied", "Needed, and there is one already"),
                            ("performpa", "Needed; the payer takes the request with this question"),
                            ("conditional", "It depends: more has to be known"),
                            ("indeterminate", "The payer could not say"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "doc_needed",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("clinical", "Clinical papers"),
                                ("admin", "Administrative papers"),
                                ("patient", "Something from the patient"),
                            ],
                            max_length=10,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "info_needed",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("performer", "Who will do it"),
                                ("location", "Where"),
                                ("timeframe", "When"),
                                ("contract-window", "The contract's period"),
                                ("detail-code", "A more exact code"),
                            ],
                            max_length=16,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("portal", "Payer's portal"),
                            ("phone", "Phone"),
                            ("list", "The payer's list"),
                            ("crd", "Electronic (CRD)"),
                        ],
                        max_length=6,
                    ),
                ),
                ("reference", models.CharField(blank=True, max_length=120)),
                ("said_by", models.CharField(blank=True, max_length=120)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("checked_at", models.DateTimeField()),
                ("expires_on", models.DateField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-checked_at", "-id"],
            },
        ),
        migrations.AddField(
            model_name="authorizationline",
            name="asked_from",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="authorizationline",
            name="asked_until",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="payer",
            name="reviewed_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="payer",
            name="tips",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="answered_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="decided_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="decision_due_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="downgraded_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="has_no_end",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="kind",
            field=models.CharField(
                choices=[("service", "Service"), ("medicine", "Medicine")], default="service", max_length=8
            ),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="receipt_proof",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="sent_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="urgency_reason",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AlterField(
            model_name="authorizationline",
            name="unit_kind",
            field=models.CharField(
                choices=[
                    ("visit", "visits"),
                    ("unit", "units"),
                    ("hour", "hours"),
                    ("day", "days"),
                    ("dose", "doses"),
                    ("item", "items"),
                ],
                default="visit",
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="authorizationline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("asked_until__isnull", True),
                    ("asked_from__isnull", True),
                    ("asked_until__gte", models.F("asked_from")),
                    _connector="OR",
                ),
                name="authorization_line_asked_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="priorauthorization",
            constraint=models.CheckConstraint(
                condition=models.Q(("has_no_end", False), ("ends_on__isnull", True), _connector="OR"),
                name="authorization_no_end_or_one",
            ),
        ),
        migrations.AddField(
            model_name="authorizationlineversion",
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
            model_name="authorizationlineversion",
            name="line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="earlier",
                to="referrals.authorizationline",
            ),
        ),
        migrations.AddField(
            model_name="authorizationpaper",
            name="authorization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="papers",
                to="referrals.priorauthorization",
            ),
        ),
        migrations.AddField(
            model_name="authorizationpaper",
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
            model_name="authorizationpaper",
            name="document",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="authorization_papers",
                to="patients.document",
            ),
        ),
        migrations.AddField(
            model_name="payercall",
            name="authorization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="calls",
                to="referrals.priorauthorization",
            ),
        ),
        migrations.AddField(
            model_name="payercall",
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
            model_name="payerrequirement",
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
            model_name="payerrequirement",
            name="payer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="requirements", to="referrals.payer"
            ),
        ),
        migrations.AddField(
            model_name="requiredpaper",
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
            model_name="requiredpaper",
            name="payer",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="required_papers",
                to="referrals.payer",
            ),
        ),
        migrations.AddField(
            model_name="requirementcheck",
            name="authorization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requirement_checks",
                to="referrals.priorauthorization",
            ),
        ),
        migrations.AddField(
            model_name="requirementcheck",
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
        migrations.AddConstraint(
            model_name="authorizationlineversion",
            constraint=models.UniqueConstraint(
                fields=("line", "number"), name="authorization_line_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="authorizationpaper",
            constraint=models.UniqueConstraint(
                fields=("authorization", "label"), name="authorization_paper_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="authorizationpaper",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("document__isnull", True), ("attached_at__isnull", False), _connector="OR"
                ),
                name="authorization_paper_attached_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="payercall",
            constraint=models.CheckConstraint(
                condition=models.Q(("hold_minutes__lte", 600), ("talk_minutes__lte", 600)),
                name="payer_call_minutes",
            ),
        ),
        migrations.AddConstraint(
            model_name="payercall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("promised_by__isnull", True), models.Q(("promised", ""), _negated=True), _connector="OR"
                ),
                name="payer_call_promise_says_what",
            ),
        ),
        migrations.AddConstraint(
            model_name="payerrequirement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("service_code", ""), _negated=True),
                    models.Q(("specialty", ""), _negated=True),
                    _connector="OR",
                ),
                name="payer_requirement_of_what",
            ),
        ),
        migrations.AddConstraint(
            model_name="payerrequirement",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_on__gte", models.F("source_on"))),
                name="payer_requirement_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="payerrequirement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("payer", "service_code", "specialty"),
                name="payer_requirement_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="requiredpaper",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("payer", "service_code", "label"),
                name="required_paper_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="requirementcheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "pa_needed__in",
                        ["no-auth", "auth-needed", "satisfied", "performpa", "conditional", "indeterminate"],
                    ),
                    ("source__in", ["portal", "phone", "list", "crd"]),
                ),
                name="requirement_check_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="requirementcheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("pa_needed__in", ["no-auth", "satisfied"]), _negated=True),
                    models.Q(("reference", ""), _negated=True),
                    _connector="OR",
                ),
                name="requirement_check_no_needs_proof",
            ),
        ),
    ]
