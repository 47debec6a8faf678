from collections.abc import Callable

import pytest
from django.test import Client

from coordinator.accounts.models import User
from scheduling.tests.clinic import NOW, Clinic, make_clinic


@pytest.fixture
def clinic(db: None) -> Clinic:
    return make_clinic()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doorways' clock stands at NOW: Wednesday, Nov 18, 2026, 10:00 Central."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def sign_in(now: None) -> Callable[[User], Client]:
    def signed_in(user: User) -> Client:
        browser = Client()
        browser.force_login(user)
        return browser

    return signed_in


@pytest.fixture
def browser(clinic: Clinic, sign_in: Callable[[User], Client]) -> Client:
    """The coordinator's."""
    return sign_in(clinic.coordinator)
