"""Record numbers that we give ourselves come from a sequence: never doubled, never reused."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_initial")]
    operations = [
        migrations.RunSQL("create sequence patients_mrn start 4800001", "drop sequence patients_mrn")
    ]
