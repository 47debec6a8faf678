"""What keeps a colleague's account from being closed: the patients they coordinate."""

from __future__ import annotations

from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from patients.models import Patient


def caseload_of(user: User) -> tuple[str, int]:
    return _("patients in their caseload"), Patient.objects.active().filter(coordinator=user).count()
