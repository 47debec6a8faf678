"""The smallest useful task, on our Celery application and on a bare one; and the sender.

celery -A bench.small_tasks:ours worker ...      python -m bench.small_tasks bench.small_tasks:ours bench 5000
"""

from __future__ import annotations

import os
import sys
from typing import Any

import redis
from celery import Celery

counter = redis.Redis.from_url(os.environ["REDIS_URL"])


def count() -> None:
    counter.incr("bench:done")


# The bare one: the same broker, nothing of ours.
bare = Celery("bare", broker=os.environ["REDIS_URL"])
bare.conf.update(
    task_ignore_result=True, worker_prefetch_multiplier=4, broker_connection_retry_on_startup=True
)
bare.task(name="bench.small")(count)

if os.environ.get("DJANGO_SETTINGS_MODULE"):
    from coordinator.celery import app as ours

    ours.task(name="bench.small")(count)


def main(name: str, queue: str, number: str) -> None:
    app: Any = globals()[name.partition(":")[2]]
    if queue == "go":
        app.control.add_consumer("bench", reply=True)
        return
    with app.producer_pool.acquire() as producer:
        for _each in range(int(number)):
            app.send_task("bench.small", queue=queue, producer=producer)


if __name__ == "__main__":
    main(*sys.argv[1:])
