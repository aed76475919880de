"""Databases on the PostgreSQL that serves these tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg

from tests.servers.backends import POSTGRES


@contextmanager
def new_database() -> Iterator[str]:
    """Create a database, and return its URL. It is dropped at the end."""
    name = f"test_mcp_{uuid4().hex}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
