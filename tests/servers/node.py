"""Clients that run on Node, installed by npm from a lockfile, once: the conformance suite and the Inspector.

``python -m tests.servers.node`` installs them ahead of the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from tests.servers.processes import ROOT
from tests.servers.turns import alone

MANIFESTS = ROOT / "tests" / "node"

OLDEST = (22, 19)
"""The first version of Node that runs all of them."""

INSTALL_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Node:
    """Node and the packages of ``tests/node/package.json``."""

    executable: str
    modules: Path

    def command(self, package: str, script: str) -> list[str]:
        """Return how a script of a package is started."""
        return [self.executable, str(self.modules / package / script)]


def install() -> Node:
    """Return Node and its packages, installed in the user's cache directory when they aren't there.

    Raises:
        RuntimeError: there is no npm, it fails, or no Node is new enough.
    """
    lock = sha256((MANIFESTS / "package-lock.json").read_bytes()).hexdigest()[:16]
    place = _cache() / f"node-{lock}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with alone(place.with_suffix(".lock")):
        if not place.exists():
            _install_into(place)
    modules = place / "node_modules"
    return Node(_executable(modules), modules)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "django-mcp-channels"


def _install_into(place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("These tests need npm, to install what tests/node/package.json names.")
    building = Path(mkdtemp(dir=place.parent))  # what npm leaves half done counts for nothing
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(MANIFESTS / name, building)
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=building,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"npm ci failed:\n{done.stderr}")
        building.rename(place)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _executable(modules: Path) -> str:
    """Return a Node that is new enough: the one of the packages where they have one, or else the machine's."""
    wanted = json.loads((MANIFESTS / "package.json").read_text())["optionalDependencies"]
    for candidate in (*(str(modules / package / "bin" / "node") for package in wanted), shutil.which("node")):
        if candidate is not None and Path(candidate).exists():
            said = subprocess.run([candidate, "--version"], capture_output=True, text=True, timeout=30, check=True)
            major, minor = map(int, re.findall(r"\d+", said.stdout)[:2])
            if (major, minor) >= OLDEST:
                return candidate
    raise RuntimeError("These tests need Node 22.19 or newer.")


if __name__ == "__main__":
    install()
