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
            name="Payer",
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
                ("name", models.CharField(max_length=160, unique=True)),
                (
                    "payer_type",
                    models.CharField(
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
                        default="other",
                        max_length=20,
                    ),
                ),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("fax", models.CharField(blank=True, max_length=40)),
                ("portal", models.URLField(blank=True)),
                ("zone", models.CharField(default="America/New_York", max_length=64)),
                ("is_active", models.BooleanField(default=True)),
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
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PriorAuthorization",
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
                ("service", models.CharField(max_length=160)),
                (
                    "urgency",
                    models.CharField(
                        choices=[("standard", "Standard"), ("expedited", "Expedited")],
                        default="standard",
                        max_length=10,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requirement_unknown", "Is it needed?"),
                            ("not_required", "Not required"),
                            ("required", "Required"),
                            ("gathering", "Gathering papers"),
                            ("ready", "Ready to submit"),
                            ("submitted", "Submitted"),
                            ("returned", "Returned by payer"),
                            ("pended", "Payer asks"),
                            ("contact_payer", "Contact payer"),
                            ("approved", "Approved"),
                            ("partially_approved", "Partly approved"),
                            ("modified", "Approved with changes"),
                            ("denied", "Denied"),
                            ("peer_to_peer", "Peer-to-peer"),
                            ("appeal", "Appeal"),
                            ("upheld", "Denial upheld"),
                            ("expired", "Expired"),
                            ("exhausted", "Units used up"),
                            ("withdrawn", "Withdrawn"),
                            ("cancelled", "Cancelled"),
                            ("cancelled_by_payer", "Cancelled by payer"),
                            ("closed_denied", "Closed, denied"),
                            ("entered_in_error", "Entered in error"),
                        ],
                        default="requirement_unknown",
                        max_length=30,
                    ),
                ),
                ("next_step", models.CharField(blank=True, max_length=200)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("stage_since", models.DateTimeField()),
                ("reference_number", models.CharField(blank=True, max_length=60)),
                ("authorization_number", models.CharField(blank=True, max_length=60)),
                ("channel", models.CharField(blank=True, max_length=20)),
                ("received_by_payer_at", models.DateTimeField(blank=True, null=True)),
                ("asked_for", models.CharField(blank=True, max_length=300)),
                ("answer_due_at", models.DateTimeField(blank=True, null=True)),
                ("denial_reason", models.TextField(blank=True)),
                ("starts_on", models.DateField(blank=True, null=True)),
                ("ends_on", models.DateField(blank=True, null=True)),
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
                    "coverage",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="patients.coverage",
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
                        related_name="authorizations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorizations",
                        to="patients.patient",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorizations",
                        to="referrals.payer",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorizations",
                        to="accounts.site",
                    ),
                ),
                (
                    "supersedes",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="referrals.priorauthorization",
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
            ],
            options={
                "indexes": [
                    models.Index(fields=["patient", "status"], name="authorization_patient"),
                    models.Index(fields=["site", "status", "due_at"], name="authorization_board"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "requirement_unknown",
                                    "not_required",
                                    "required",
                                    "gathering",
                                    "ready",
                                    "submitted",
                                    "returned",
                                    "pended",
                                    "contact_payer",
                                    "approved",
                                    "partially_approved",
                                    "modified",
                                    "denied",
                                    "peer_to_peer",
                                    "appeal",
                                    "upheld",
                                    "expired",
                                    "exhausted",
                                    "withdrawn",
                                    "cancelled",
                                    "cancelled_by_payer",
                                    "closed_denied",
                                    "entered_in_error",
                                ],
                            )
                        ),
                        name="authorization_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("owner__isnull", False), ("team__isnull", False), _connector="OR"
                        ),
                        name="authorization_has_an_owner",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PriorAuthorizationChange",
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
                        to="referrals.priorauthorization",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Referral",
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
                ("reference", models.CharField(max_length=20, unique=True)),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("medical", "Medical"),
                            ("behavioral", "Behavioral"),
                            ("dental", "Dental"),
                            ("imaging", "Imaging"),
                            ("therapy", "Therapy"),
                            ("equipment", "Equipment"),
                            ("social", "Social need"),
                        ],
                        default="medical",
                        max_length=12,
                    ),
                ),
                ("specialty", models.CharField(max_length=120)),
                ("service", models.CharField(blank=True, max_length=160)),
                ("reason", models.CharField(max_length=500)),
                ("clinical_question", models.TextField(blank=True)),
                (
                    "urgency",
                    models.CharField(
                        choices=[("routine", "Routine"), ("urgent", "Urgent"), ("stat", "Immediately")],
                        default="routine",
                        max_length=10,
                    ),
                ),
                ("requested_by_on", models.DateField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("awaiting_authorization", "Awaiting authorization"),
                            ("ready", "Ready to send"),
                            ("sent", "Sent"),
                            ("send_failed", "Sending failed"),
                            ("received", "Received"),
                            ("accepted", "Accepted, to schedule"),
                            ("scheduled", "Scheduled"),
                            ("no_show", "No-show"),
                            ("visit_cancelled", "Visit cancelled"),
                            ("seen", "Seen, awaiting report"),
                            ("completed", "Report received"),
                            ("declined", "Declined"),
                            ("cancel_requested", "Cancel requested"),
                            ("cancelled", "Cancelled"),
                            ("withdrawn", "Withdrawn"),
                            ("entered_in_error", "Entered in error"),
                        ],
                        default="draft",
                        max_length=30,
                    ),
                ),
                ("next_step", models.CharField(blank=True, max_length=200)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("stage_since", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("scheduled_at", models.DateTimeField(blank=True, null=True)),
                ("seen_on", models.DateField(blank=True, null=True)),
                ("report_received_at", models.DateTimeField(blank=True, null=True)),
                ("reviewed_at", models.DateTimeField(blank=True, null=True)),
                ("patient_told_at", models.DateTimeField(blank=True, null=True)),
                ("requester_told_at", models.DateTimeField(blank=True, null=True)),
                ("loop_closed_at", models.DateTimeField(blank=True, null=True)),
                ("visit_at", models.DateTimeField(blank=True, null=True)),
                ("visit_place", models.CharField(blank=True, max_length=200)),
                ("channel", models.CharField(blank=True, max_length=20)),
                ("confirmed_by", models.CharField(blank=True, max_length=120)),
                (
                    "outcome_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_capacity", "No capacity"),
                            ("not_eligible", "Not eligible"),
                            ("out_of_network", "Out of network"),
                            ("wrong_specialty", "Wrong specialty"),
                            ("needs_more_information", "Needs more information"),
                            ("could_not_contact", "Could not contact"),
                            ("no_longer_interested", "No longer interested"),
                            ("needs_client_action", "Needs action by the patient"),
                            ("referred_elsewhere", "Referred elsewhere"),
                            ("could_not_get_help", "Could not get help"),
                            ("patient_declined_cost", "Patient declined: cost"),
                            ("patient_declined_distance", "Patient declined: distance"),
                            ("transport_failed", "Transport failed"),
                            ("deceased", "Deceased"),
                            ("moved", "Moved"),
                            ("duplicate", "Duplicate"),
                            ("other", "Other"),
                        ],
                        max_length=30,
                    ),
                ),
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
                        related_name="referrals",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals",
                        to="patients.patient",
                    ),
                ),
                (
                    "problem",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="patients.problem",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals_received",
                        to="accounts.practitioner",
                    ),
                ),
                (
                    "recipient_organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="accounts.organization",
                    ),
                ),
                (
                    "refers_elsewhere",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="continued_by",
                        to="referrals.referral",
                    ),
                ),
                (
                    "report",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="patients.document",
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals_made",
                        to="accounts.practitioner",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals",
                        to="accounts.site",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["patient", "status"], name="referral_patient"),
                    models.Index(fields=["site", "status", "due_at", "id"], name="referral_board"),
                    models.Index(fields=["owner", "due_at"], name="referral_owner"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "draft",
                                    "awaiting_authorization",
                                    "ready",
                                    "sent",
                                    "send_failed",
                                    "received",
                                    "accepted",
                                    "scheduled",
                                    "no_show",
                                    "visit_cancelled",
                                    "seen",
                                    "completed",
                                    "declined",
                                    "cancel_requested",
                                    "cancelled",
                                    "withdrawn",
                                    "entered_in_error",
                                ],
                            )
                        ),
                        name="referral_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("owner__isnull", False), ("team__isnull", False), _connector="OR"
                        ),
                        name="referral_has_an_owner",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("loop_closed_at__isnull", True),
                            models.Q(("status", "completed"), _negated=True),
                            models.Q(("patient_told_at__isnull", False), ("reviewed_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="referral_loop_needs_review_and_telling",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="priorauthorization",
            name="referral",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="authorizations",
                to="referrals.referral",
            ),
        ),
        migrations.CreateModel(
            name="ReferralChange",
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
                        to="referrals.referral",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="AuthorizationLine",
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
                ("label", models.CharField(blank=True, max_length=160)),
                ("units_requested", models.PositiveIntegerField(default=1)),
                ("unit_kind", models.CharField(default="visit", max_length=20)),
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
                    "authorization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="referrals.priorauthorization",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("authorization", "number"), name="authorization_line_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_on__isnull", True),
                            ("starts_on__isnull", True),
                            ("ends_on__gte", models.F("starts_on")),
                            _connector="OR",
                        ),
                        name="authorization_line_period",
                    ),
                ],
            },
        ),
    ]
