from django.db import migrations, models


class Migration(migrations.Migration):
    """What requests written before this lack: why they are expedited, and the date of an approval in force."""

    dependencies = [("referrals", "0003_authorization_request")]

    operations = [
        migrations.RunSQL(
            "update referrals_priorauthorization set urgency_reason = 'Not recorded'"
            " where urgency = 'expedited' and urgency_reason = ''",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "update referrals_priorauthorization a set next_step = 'Use it before it ends',"
            " due_at = (a.ends_on + time '23:59:59') at time zone s.zone from accounts_site s"
            " where s.id = a.site_id and a.status in ('approved', 'partially_approved', 'modified')"
            " and a.next_step = '' and a.ends_on is not null",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "update referrals_priorauthorization set next_step = 'Get the end date from the payer',"
            " due_at = now() + interval '3 days' where status in ('approved', 'partially_approved', 'modified')"
            " and next_step = '' and ends_on is null",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name="priorauthorization",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("urgency", "expedited"), _negated=True),
                    models.Q(("urgency_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="authorization_expedited_says_why",
            ),
        ),
    ]
