"""What an entry was before it was entered in error, what a comparison said of allergies; one spelling of "in error"."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import migrations, models

FHIR, OURS = "entered-in-error", "entered_in_error"


def spell_as_everywhere(apps, schema_editor):
    apps.get_model("patients", "Encounter").objects.filter(status=FHIR).update(status=OURS)


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0013_longer_places"),
    ]

    operations = [
        migrations.AddField("encounter", "status_before", models.CharField(blank=True, max_length=20)),
        migrations.AddField("result", "status_before", models.CharField(blank=True, max_length=20)),
        migrations.AddField("immunization", "status_before", models.CharField(blank=True, max_length=20)),
        migrations.AddField(
            "reconciliation", "allergies_said", models.JSONField(default=dict, encoder=DjangoJSONEncoder)
        ),
        # Both spellings are read alike afterwards; there is nothing to put back.
        migrations.RunPython(spell_as_everywhere, migrations.RunPython.noop),
    ]
