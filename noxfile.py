"""The tests on every Python and Django that are supported: ``nox``, or ``nox -s tests-3.12 -- -k registry``.

An interpreter is found as ``python3.12`` on the PATH. Folders named in ``NOX_PYTHONS``, separated as in PATH, are asked
before it: ``NOX_PYTHONS=/opt/python3.12/bin:/opt/python3.13/bin nox``. What isn't there is skipped.
"""

from __future__ import annotations

import os

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "tests"]

DJANGO = {"3.11": "5.2", "3.12": "6.0", "3.13": "6.1"}
"""The oldest Django that is supported on the oldest Python, the newest on the newest."""

if folders := os.environ.get("NOX_PYTHONS"):
    os.environ["PATH"] = os.pathsep.join((folders, os.environ["PATH"]))


@nox.session(python=list(DJANGO))
def tests(session: nox.Session) -> None:
    """Run the fast tests, or what the arguments say."""
    session.install("-e", ".[test]", f"django~={DJANGO[str(session.python)]}.0")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run the fast tests with the oldest releases of what the library leans on most."""
    session.install(
        "-e", ".[test]", "django~=5.2.0", "mcp==2.3.*", "channels==4.2.*", "daphne==4.2.*", "pydantic==2.12.*"
    )
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Check format, lint, types, layers and the demo project."""
    session.install("-e", ".[dev]")
    session.run("scripts/check", "--no-tests", external=True)
