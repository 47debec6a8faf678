"""Changes of the register wait for a second person; what was proposed and how it was decided stays as it was written."""

import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.db

FORWARD = """
create function rule_proposals_keep_their_word() returns trigger language plpgsql as $$
begin
  raise exception 'a proposal is not rewritten: withdraw it and propose another' using errcode = 'insufficient_privilege';
end $$;
create trigger rule_proposal_no_change before update on clocks_ruleproposal
  for each row when (
    old.decision <> '' or
    (old.rule_id, old.effective_from, old.kind, old.params, old.calendar_id, old.source, old.citation, old.verified,
     old.vectors, old.why, old.created_by_id)
    is distinct from
    (new.rule_id, new.effective_from, new.kind, new.params, new.calendar_id, new.source, new.citation, new.verified,
     new.vectors, new.why, new.created_by_id)
  ) execute function rule_proposals_keep_their_word();
create trigger rule_proposal_no_delete before delete on clocks_ruleproposal
  for each row execute function rule_proposals_keep_their_word();
"""
BACKWARD = """
drop trigger rule_proposal_no_delete on clocks_ruleproposal;
drop trigger rule_proposal_no_change on clocks_ruleproposal;
drop function rule_proposals_keep_their_word();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("clocks", "0003_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="ruleversion",
            name="citation",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="ruleversion",
            name="vectors",
            field=models.JSONField(default=list, encoder=django.core.serializers.json.DjangoJSONEncoder),
        ),
        migrations.CreateModel(
            name="RuleProposal",
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
                ("effective_from", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("elapsed_hours", "elapsed hours"),
                            ("calendar_days", "calendar days"),
                            ("business_days", "business days"),
                            ("weeks", "weeks"),
                            ("months", "months"),
                            ("same_day", "same day"),
                            ("fixed_date", "fixed date"),
                            ("no_deadline", "no deadline"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "params",
                    models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("source", models.TextField()),
                ("citation", models.CharField(blank=True, max_length=200)),
                ("verified", models.BooleanField(default=False)),
                (
                    "vectors",
                    models.JSONField(default=list, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("why", models.CharField(max_length=300)),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Waiting for approval"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decision_reason", models.CharField(blank=True, max_length=300)),
                (
                    "calendar",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="clocks.businesscalendar",
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
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "made",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposal",
                        to="clocks.ruleversion",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="clocks.rule",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "elapsed_hours",
                                    "calendar_days",
                                    "business_days",
                                    "weeks",
                                    "months",
                                    "same_day",
                                    "fixed_date",
                                    "no_deadline",
                                ],
                            )
                        ),
                        name="rule_proposal_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decision__in", ["", "approved", "refused", "withdrawn"])),
                        name="rule_proposal_decision_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("created_by__isnull", False)), name="rule_proposal_by_somebody"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", True), ("decided_by__isnull", True), ("decision", "")
                            ),
                            models.Q(
                                models.Q(("decision", ""), _negated=True),
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="rule_proposal_decided_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decision", "approved"), _negated=True),
                            models.Q(("decided_by", models.F("created_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="rule_proposal_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decision", "approved"), ("made__isnull", False)),
                            models.Q(
                                models.Q(("decision", "approved"), _negated=True), ("made__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="rule_proposal_made_a_version",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decision", "refused"), _negated=True),
                            models.Q(("decision_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="rule_proposal_refused_why",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("decision", "")),
                        fields=("rule",),
                        name="rule_proposal_one_waiting",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
