"""Servers named by DATABASE_URL and REDIS_URL: asked once at the start, so that trouble is one sentence."""

from contextlib import closing

import psycopg2
import redis

from coordinator.devserver.folder import Refused

OLDEST_POSTGRES = 15


def check_database(name: str, url: str) -> None:
    """Raises Refused, naming the variable and never the password, when the database cannot be used."""
    try:
        with closing(psycopg2.connect(url, connect_timeout=5)) as connection:
            major = connection.server_version // 10_000
    except psycopg2.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise Refused(
            f"The database in {name} cannot be used ({reason}): correct {name}, or unset it to use the embedded one."
        ) from None
    if major < OLDEST_POSTGRES:
        raise Refused(
            f"The server in {name} is PostgreSQL {major}: Throughline needs {OLDEST_POSTGRES} or later."
        )


def check_broker(url: str) -> None:
    """Raises Refused when no Redis-protocol server answers there."""
    try:
        with closing(redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)) as broker:
            broker.ping()
    except (redis.RedisError, ValueError) as error:
        raise Refused(
            f"The server in REDIS_URL cannot be used ({error}): correct REDIS_URL, or unset it to use the embedded one."
        ) from None
