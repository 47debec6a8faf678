"""Entries of a record that are opened only for a reason: substance use, behavioral health, a minor's own care."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Label(models.TextChoices):
    """Why an entry is protected. Blank means that it is as open as the record."""

    PART2 = "part2", _("Substance-use record (42 CFR part 2)")
    BEHAVIORAL = "behavioral", _("Behavioral health")
    MINOR = "minor", _("A minor's own consented care")


class Labelled(models.Model):
    """What can be labelled. A person decides; lists of codes only propose (patients.labels)."""

    label = models.CharField(max_length=12, choices=Label.choices, blank=True)

    class Meta:
        abstract = True


def label_known(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(label__in=["", "part2", "behavioral", "minor"]), name=name)
