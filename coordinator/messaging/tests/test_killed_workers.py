"""Workers die by kill -9 while they send, and the gateway has a bad day: nothing is lost and nothing comes twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from coordinator.messaging.models import Message
from coordinator.messaging.tests.faulty_gateway import FaultyGateway
from coordinator.tests.factories import make_site

ROOT = Path(__file__).resolve().parents[3]
NUMBER, KILLS = 150, 3
WORKER = """
import time, django
django.setup()
from coordinator.messaging.delivery import deliver_due
while True:
    deliver_due(seconds=30)
    time.sleep(0.1)
"""


def start_worker(gateway: FaultyGateway) -> subprocess.Popen[bytes]:
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = os.environ | gateway.environment() | {"DATABASE_URL": url}
    return subprocess.Popen(
        [sys.executable, "-c", WORKER],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.slow_start
@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    """With the harder gateway: it takes a key again and again, but can be asked whether it has it."""
    site = make_site()
    now = timezone.now()
    Message.objects.bulk_create(
        Message(
            key=f"m:{n}", purpose="test", about_type="test", about_id=uuid4(), site=site, channel="sms",
            address=f"+1612555{n:04d}", body="hello", send_after=now - timedelta(minutes=1), created_at=now,
        )
        for n in range(NUMBER)
    )  # fmt: skip
    marks = [NUMBER * (n + 1) // (KILLS + 2) for n in range(KILLS)]
    with FaultyGateway(tmp_path, honors_keys=False, silence_seconds=2, seed=3) as gateway:
        worker, kills, deadline = start_worker(gateway), 0, time.monotonic() + 240
        try:
            while Message.objects.filter(status__in=("scheduled", "sending")).exists():
                assert time.monotonic() < deadline, "the workers did not finish"
                if marks and len(gateway.server.calls) >= marks[0]:
                    marks.pop(0)
                    os.killpg(worker.pid, signal.SIGKILL)
                    worker.wait()
                    kills += 1
                    worker = start_worker(gateway)
                elif not marks:
                    Message.objects.filter(status="scheduled").update(send_after=Now())  # skip the pauses
                time.sleep(0.02 if marks else 0.3)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        assert kills == KILLS
        accepted = gateway.accepted()
    assert set(accepted) == {f"m:{n}" for n in range(NUMBER)}
    assert set(accepted.values()) == {1}
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}
