"""After merging and taking apart every row of every table is as it was, whatever the two charts hold."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed
from patients.merge_fields import CHOOSABLE, SIDES
from patients.merging import PARTS
from patients.models import Patient, PatientMerge, PossibleDuplicate
from patients.services import merge_patients, unmerge_patients
from patients.tests.charts import NOW, charts, draw, everything

pytestmark = pytest.mark.django_db
choices = st.dictionaries(st.sampled_from(CHOOSABLE), st.sampled_from(SIDES), max_size=4)


@given(one=charts, two=charts, chosen=choices)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_merging_and_taking_apart_leaves_every_row_as_it_was(one, two, chosen):
    with transaction.atomic():
        merge_and_take_apart(one, two, chosen)
        transaction.set_rollback(True)


def merge_and_take_apart(one, two, chosen):
    site = make_site()
    lead = make_user(Role.LEAD, site=site)
    survivor, other = draw(one, site, lead), draw(two, site, lead)
    low, high = sorted((survivor, other), key=lambda patient: patient.pk)
    PossibleDuplicate.objects.create(one=low, two=high, points=12)
    before = everything()
    try:
        merge = merge_patients(
            survivor_id=survivor.pk, other_id=other.pk, choices=chosen, reason="Same person", by=lead, now=NOW
        )
    except NotAllowed:
        assert everything() == before
        return
    assert not [part.name for part in PARTS if part.rows_of(other).exists()]
    assert not Patient.objects.visible_to(lead).filter(pk=other.pk).exists()
    unmerge_patients(merge_id=merge.pk, reason="They are cousins", by=lead, now=NOW)
    assert everything() == before
    assert PatientMerge.objects.standing().count() == 0
