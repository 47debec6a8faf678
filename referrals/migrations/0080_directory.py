import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.db


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_delegations"),
        ("referrals", "0070_deliveries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="payer",
            name="appeals_address",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="payer",
            name="appeals_fax",
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name="payer",
            name="lines_of_business",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("medicare_advantage", "Medicare Advantage"),
                        ("medicare", "Medicare"),
                        ("medicaid_managed", "Medicaid managed care"),
                        ("medicaid", "Medicaid"),
                        ("chip", "CHIP"),
                        ("marketplace", "Marketplace plan"),
                        ("employer", "Employer plan"),
                        ("other", "Other"),
                    ],
                    max_length=20,
                ),
                blank=True,
                default=list,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="referral",
            name="recipient_fax",
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name="referral",
            name="recipient_name",
            field=models.CharField(blank=True, max_length=250),
        ),
        migrations.AddField(
            model_name="referral",
            name="recipient_phone",
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.CreateModel(
            name="Practice",
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
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("practice", "Practice"),
                            ("community", "Community service"),
                            ("facility", "Facility"),
                        ],
                        default="practice",
                        max_length=10,
                    ),
                ),
                (
                    "specialties",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120), blank=True, default=list, size=None
                    ),
                ),
                ("npi", models.CharField(blank=True, max_length=10)),
                ("address_line", models.CharField(blank=True, max_length=200)),
                ("city", models.CharField(blank=True, max_length=80)),
                ("state", models.CharField(blank=True, max_length=2)),
                ("postal_code", models.CharField(blank=True, max_length=10)),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("fax", models.CharField(blank=True, max_length=40)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("portal", models.URLField(blank=True)),
                (
                    "channel",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("fax", "Fax"),
                            ("email", "E-mail through a secure link"),
                            ("portal", "Portal"),
                            ("phone", "Phone"),
                            ("mail", "Mail"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "languages",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=12), blank=True, default=list, size=None
                    ),
                ),
                (
                    "accepting",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown"),
                            ("new", "Takes new patients"),
                            ("existing", "Only patients it knows already"),
                            ("none", "Takes no patients at present"),
                        ],
                        default="unknown",
                        max_length=8,
                    ),
                ),
                (
                    "cost",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown"),
                            ("standard", "Full price without insurance"),
                            ("sliding", "Sliding scale"),
                            ("free", "Free"),
                        ],
                        default="unknown",
                        max_length=8,
                    ),
                ),
                ("intake_rules", models.TextField(blank=True)),
                ("wait_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("wait_told_on", models.DateField(blank=True, null=True)),
                ("wait_told_by", models.CharField(blank=True, max_length=120)),
                ("notes", models.TextField(blank=True)),
                ("reviewed_on", models.DateField(blank=True, null=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("source", models.CharField(blank=True, max_length=120)),
                ("source_key", models.CharField(blank=True, max_length=250)),
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
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="practice",
                        to="accounts.organization",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.AddField(
            model_name="referral",
            name="practice",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="referrals",
                to="referrals.practice",
            ),
        ),
        migrations.CreateModel(
            name="PracticeClinician",
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
                ("name", models.CharField(max_length=160)),
                ("npi", models.CharField(blank=True, max_length=10)),
                ("specialty", models.CharField(blank=True, max_length=120)),
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
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clinicians",
                        to="referrals.practice",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="PracticeNetwork",
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
                ("payer_name", models.CharField(max_length=160)),
                ("plan_name", models.CharField(blank=True, max_length=160)),
                ("network_name", models.CharField(blank=True, max_length=160)),
                ("participates", models.BooleanField(default=True)),
                ("starts_on", models.DateField(blank=True, null=True)),
                ("ends_on", models.DateField(blank=True, null=True)),
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
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="networks",
                        to="referrals.practice",
                    ),
                ),
            ],
            options={
                "ordering": ["payer_name", "plan_name", "network_name", "id"],
            },
        ),
        migrations.AddIndex(
            model_name="practice",
            index=models.Index(fields=["retired_at", "name", "id"], name="practice_list"),
        ),
        migrations.AddConstraint(
            model_name="practice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("accepting__in", ["unknown", "new", "existing", "none"]),
                    ("channel__in", ["", "fax", "email", "portal", "phone", "mail"]),
                    ("cost__in", ["unknown", "standard", "sliding", "free"]),
                    ("kind__in", ["practice", "community", "facility"]),
                ),
                name="practice_words_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="practice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("npi__regex", "^([0-9]{10})?$"), ("postal_code__regex", "^([0-9]{5}(-[0-9]{4})?)?$")
                ),
                name="practice_npi_and_zip",
            ),
        ),
        migrations.AddConstraint(
            model_name="practice",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="practice_has_a_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="practice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("wait_days__isnull", True),
                    models.Q(("wait_days__lte", 730), ("wait_told_on__isnull", False)),
                    _connector="OR",
                ),
                name="practice_wait_says_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="practice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("source_key", ""), _negated=True),
                fields=("source", "source_key"),
                name="practice_source_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="practiceclinician",
            constraint=models.CheckConstraint(
                condition=models.Q(("npi__regex", "^([0-9]{10})?$"), models.Q(("name", ""), _negated=True)),
                name="practice_clinician_npi",
            ),
        ),
        migrations.AddConstraint(
            model_name="practiceclinician",
            constraint=models.UniqueConstraint(
                fields=("practice", "name", "npi"), name="practice_clinician_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="practicenetwork",
            constraint=models.CheckConstraint(
                condition=models.Q(("payer_name", ""), _negated=True), name="practice_network_has_a_payer"
            ),
        ),
        migrations.AddConstraint(
            model_name="practicenetwork",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on__isnull", True),
                    ("starts_on__isnull", True),
                    ("ends_on__gte", models.F("starts_on")),
                    _connector="OR",
                ),
                name="practice_network_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="practicenetwork",
            constraint=models.UniqueConstraint(
                fields=("practice", "payer_name", "plan_name", "network_name", "starts_on"),
                name="practice_network_once",
                nulls_distinct=False,
            ),
        ),
    ]
