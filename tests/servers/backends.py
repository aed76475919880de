"""The PostgreSQL and the Redis of the tests marked ``matrix``: those that the environment names, or this machine's."""

from __future__ import annotations

import os
from functools import cache
from urllib.parse import urlsplit

import psycopg
import redis

DATABASE_URL = os.environ.get("DATABASE_URL", "")
POSTGRES = (
    DATABASE_URL.rpartition("/")[0] if DATABASE_URL.startswith("postgres") else "postgres://postgres@127.0.0.1:5432"
)
"""URL of the server, without a database: each test makes its own."""

REDIS = "redis://" + (urlsplit(os.environ.get("REDIS_URL", "")).netloc or "127.0.0.1:6379")
"""URL of the server, without the number of a database."""


@cache
def missing_backend() -> str:
    """Return what can't be reached, and how to name another; empty: both can."""
    try:
        psycopg.connect(f"{POSTGRES}/postgres", connect_timeout=5).close()
    except psycopg.OperationalError:
        return f"There is no PostgreSQL at {POSTGRES}: set DATABASE_URL, as postgres://user:password@host/name."
    try:
        with redis.Redis.from_url(REDIS, socket_connect_timeout=5) as connection:
            connection.ping()
    except redis.RedisError:
        return f"There is no Redis at {REDIS}: set REDIS_URL, as redis://host."
    return ""
