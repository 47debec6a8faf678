"""Signing out everywhere, and password links that a job sends."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_throttle_cache")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="session_epoch",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="user",
            name="reset_requested_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
