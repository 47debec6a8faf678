"""What production refuses to start with. Each case is a fresh process with its own environment."""

import os
import subprocess
import sys

import pytest

COMPLETE = {
    "THROUGHLINE_ENV": "production",
    "SECRET_KEY": "a-long-enough-secret-key-for-this-test-0123456789-abcdefghij",
    "FIELD_KEY": "another-long-enough-key-for-this-test",
    "DATABASE_URL": "postgres://app@127.0.0.1/app",
    "REDIS_URL": "redis://127.0.0.1/0",
    "BASE_URL": "https://care.example.org",
    "SMS_GATEWAY": "http",
    "ALLOWED_HOSTS": "care.example.test",
}
ASK = (
    "from django.conf import settings; print(settings.SECOND_FACTOR_REQUIRED, settings.SESSION_COOKIE_SECURE)"
)


def start(**environment):
    clean = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "coordinator.settings", **environment}
    return subprocess.run([sys.executable, "-c", ASK], env=clean, capture_output=True, text=True, check=False)


def test_production_requires_the_second_factor_and_safe_cookies():
    result = start(**COMPLETE)
    assert result.stdout.split() == ["True", "True"], result.stderr


@pytest.mark.parametrize("name", ["DEMO", "DEBUG"])
def test_the_demo_and_debugging_are_refused_in_production(name):
    result = start(**COMPLETE, **{name: "true"})
    assert result.returncode != 0
    assert "refused when THROUGHLINE_ENV is production" in result.stderr


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "FIELD_KEY", "DATABASE_URL", "REDIS_URL", "BASE_URL", "SMS_GATEWAY"]
)
def test_a_missing_secret_is_named(name):
    result = start(**{key: value for key, value in COMPLETE.items() if key != name})
    assert result.returncode != 0
    assert f"Set {name}" in result.stderr


def test_the_demo_waives_the_second_factor_in_so_many_words():
    assert start(THROUGHLINE_ENV="demo").stdout.split() == ["False", "False"]
    assert start(THROUGHLINE_ENV="demo", DEMO="false").stdout.split()[0] == "True"
