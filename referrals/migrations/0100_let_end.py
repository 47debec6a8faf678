from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("referrals", "0090_published_metrics"),
    ]

    operations = [
        migrations.AddField(
            model_name="priorauthorization",
            name="may_end_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
