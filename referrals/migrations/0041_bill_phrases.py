"""The usual lines of a bill in plain words, until somebody says it better."""

from django.db import migrations
from django.utils import timezone

from coordinator.db import uuid7

# kind of line, its words, both in Spanish
PHRASES = (
    (
        "Facility fee",
        "What the hospital or clinic charges for the room, the staff and the equipment. It comes on top of the doctor's own charge.",
        "Cargo por el lugar",
        "Lo que cobra el hospital o la clínica por la sala, el personal y el equipo. Se suma a lo que cobra el médico.",
    ),
    (
        "Deductible",
        "The part of each year's costs that you pay first, before the plan begins to pay.",
        "Deducible",
        "La parte de los gastos del año que usted paga primero, antes de que el plan empiece a pagar.",
    ),
    (
        "Coinsurance",
        "Your share of the cost after the deductible, as a percentage. The plan pays the rest.",
        "Coseguro",
        "Su parte del costo después del deducible, como porcentaje. El plan paga el resto.",
    ),
    (
        "Copay",
        "A fixed amount that you pay for this kind of visit or medicine.",
        "Copago",
        "Una cantidad fija que usted paga por este tipo de visita o medicina.",
    ),
    (
        "Not covered",
        "The plan says that it does not pay for this. You can ask why, and often ask it to look again.",
        "No cubierto",
        "El plan dice que no paga esto. Usted puede preguntar por qué y, muchas veces, pedir que lo revise.",
    ),
    (
        "Out of network",
        "Whoever treated you has no contract with your plan, so the plan pays less or nothing.",
        "Fuera de la red",
        "Quien le atendió no tiene contrato con su plan, por eso el plan paga menos o nada.",
    ),
    (
        "Balance bill",
        "What is left between the charge and what the plan paid. For emergencies and some other care it may not be billed to you.",
        "Saldo facturado",
        "La diferencia entre lo cobrado y lo que pagó el plan. En emergencias y otros casos no se le puede cobrar a usted.",
    ),
    (
        "Duplicate",
        "This seems to be billed twice. We ask to have one of the two taken off.",
        "Duplicado",
        "Parece que esto se cobró dos veces. Pedimos que quiten uno de los dos cargos.",
    ),
)


def add_phrases(apps, schema_editor):
    phrase = apps.get_model("referrals", "BillPhrase")
    if phrase.objects.exists():
        return
    now = timezone.now()
    phrase.objects.bulk_create(
        phrase(
            id=uuid7(),
            label=label,
            words=words,
            label_es=es,
            words_es=words_es,
            created_at=now,
            updated_at=now,
        )
        for label, words, es, words_es in PHRASES
    )


def remove_phrases(apps, schema_editor):
    phrases = apps.get_model("referrals", "BillPhrase").objects
    phrases.filter(label__in=[row[0] for row in PHRASES]).delete()


class Migration(migrations.Migration):
    dependencies = [("referrals", "0040_money_help")]

    operations = [migrations.RunPython(add_phrases, remove_phrases)]
