import pytest

from scheduling.tests.clinic import Clinic, make_clinic


@pytest.fixture
def clinic(db: None) -> Clinic:
    return make_clinic()
