import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.db


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0003_orders"),
        ("referrals", "0080_directory"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DirectoryImport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=coordinator.db.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("source", models.CharField(max_length=120)),
                ("label", models.CharField(max_length=250)),
                ("created_at", models.DateTimeField()),
                ("applied_at", models.DateTimeField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
                ("files", models.PositiveIntegerField(default=0)),
                ("resources", models.PositiveIntegerField(default=0)),
                ("parked", models.JSONField(default=list)),
                (
                    "started_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="DirectoryProposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=250)),
                (
                    "finding",
                    models.CharField(
                        choices=[("new", "New"), ("changed", "Changed"), ("same", "Already here")],
                        max_length=7,
                    ),
                ),
                ("said", models.JSONField(default=dict)),
                ("before", models.JSONField(default=dict)),
                ("left_out", models.JSONField(default=list)),
                ("version", models.PositiveIntegerField(default=0)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("added", "Added"),
                            ("changed", "Changed"),
                            ("left", "Left as it was"),
                            ("kept", "Kept: somebody changed it since"),
                            ("undone", "Taken back"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="referrals.practice",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="proposals",
                        to="imports.directoryimport",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddConstraint(
            model_name="directoryimport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("undone_at__isnull", True), ("applied_at__isnull", False), _connector="OR"
                ),
                name="directory_import_undone_after_applied",
            ),
        ),
        migrations.AddConstraint(
            model_name="directoryproposal",
            constraint=models.UniqueConstraint(fields=("run", "key"), name="directory_proposal_once"),
        ),
        migrations.AddConstraint(
            model_name="directoryproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("finding__in", ["new", "changed", "same"]),
                    ("outcome__in", ["", "added", "changed", "left", "kept", "undone"]),
                ),
                name="directory_proposal_words_known",
            ),
        ),
    ]
