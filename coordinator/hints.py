"""A hint to a worker: "look now". Never the truth, and never a reason for a page to fail."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)
QUIET_SECONDS = 60.0  # after a failure nobody else waits for a broker that is away
_quiet_until = 0.0


def hint(job: Any, *ids: str) -> None:
    """Tell a Celery job to look, after the commit. With Redis off the sweep finds the work a little later."""

    def send() -> None:
        global _quiet_until
        if time.monotonic() < _quiet_until:
            return
        try:
            job.apply_async(args=ids, retry=False)
        except (OperationalError, OSError):
            _quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("broker unreachable; %s waits for its sweep", job.name)

    transaction.on_commit(send)
