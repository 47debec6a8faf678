"""Our own numbers for referrals come from a sequence: never doubled, never reused."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("referrals", "0001_initial")]
    operations = [migrations.RunSQL("create sequence referral_reference", "drop sequence referral_reference")]
