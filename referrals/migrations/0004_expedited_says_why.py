from django.db import migrations, models


class Migration(migrations.Migration):
    """An expedited request says why; those written before the reason was asked for say so."""

    dependencies = [("referrals", "0003_authorization_request")]

    operations = [
        migrations.RunSQL(
            "update referrals_priorauthorization set urgency_reason = 'Not recorded'"
            " where urgency = 'expedited' and urgency_reason = ''",
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
