import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.db


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0014_standing_before"),
        ("referrals", "0060_referral_depth"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReferralPacket",
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
                ("sha256", models.CharField(max_length=64)),
                ("holds", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
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
                    "document",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="packet",
                        to="patients.document",
                    ),
                ),
                (
                    "referral",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="packets",
                        to="referrals.referral",
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("referral", "number"), name="referral_packet_number"),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1), models.Q(("sha256", ""), _negated=True)),
                        name="referral_packet_whole",
                    ),
                ],
            },
        ),
    ]
