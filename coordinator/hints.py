"""A hint to a worker: "look now". Never the truth, and never a reason for a page to fail."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def hint(job: Any, *ids: str) -> None:
    """Tell a Celery job to look, after the commit. With Redis off the sweep finds the work a little later."""

    def send() -> None:
        try:
            job.apply_async(args=ids, retry=False)
        except (OperationalError, OSError):
            log.warning("broker unreachable; %s waits for its sweep", job.name)

    transaction.on_commit(send)
