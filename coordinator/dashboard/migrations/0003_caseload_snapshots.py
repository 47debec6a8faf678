"""The boards' figures: rows for what is nobody's, and a snapshot a day. The old rollup held nothing worth keeping."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def whom() -> models.ForeignKey:
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


def where() -> models.ForeignKey:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.site"
    )


def key() -> models.BigAutoField:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_outside_locations"),
        ("dashboard", "0002_run_requests"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.DeleteModel(name="CaseloadStat"),
        migrations.CreateModel(
            name="CaseloadStat",
            fields=[
                ("id", key()),
                ("user", whom()),
                ("site", where()),
                ("computed_at", models.DateTimeField()),
                ("figures", models.JSONField(default=dict)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["user", "site"], nulls_distinct=False, name="caseload_stat_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CaseloadSnapshot",
            fields=[
                ("id", key()),
                ("day", models.DateField()),
                ("user", whom()),
                ("site", where()),
                ("taken_at", models.DateTimeField()),
                ("figures", models.JSONField(default=dict)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["site", "day", "user"], nulls_distinct=False, name="caseload_snapshot_once"
                    ),
                ],
            },
        ),
    ]
