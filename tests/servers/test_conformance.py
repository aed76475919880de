"""The official conformance suite against ``tests/conformance``.

A scenario counts when every check is a success: the suite itself also lets through what it could not check.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.servers.node import Node
from tests.servers.processes import ServerProcess

pytestmark = pytest.mark.server

Checks = dict[str, list[dict[str, Any]]]

RUNS = {
    "0.1.16": ("conformance-0.1.16",),
    "2025-11-25": ("@modelcontextprotocol/conformance", "--spec-version", "2025-11-25", "--timeout", "20000"),
    "2026-07-28": ("@modelcontextprotocol/conformance", "--spec-version", "2026-07-28", "--timeout", "20000"),
}
"""The older suite, and the newer one over both wires."""

BOTH_ERAS = {
    "completion-complete",
    "dns-rebinding-protection",
    "json-schema-2020-12",
    "prompts-get-embedded-resource",
    "prompts-get-simple",
    "prompts-get-with-args",
    "prompts-get-with-image",
    "prompts-list",
    "resources-list",
    "resources-read-binary",
    "resources-read-text",
    "resources-templates-read",
    "server-sse-multiple-streams",
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-error",
    "tools-call-image",
    "tools-call-mixed-content",
    "tools-call-simple-text",
    "tools-call-with-progress",
    "tools-list",
}
HANDSHAKE = BOTH_ERAS | {
    "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums",
    "logging-set-level",
    "ping",
    "resources-subscribe",
    "resources-unsubscribe",
    "server-initialize",
    "server-sse-polling",
    "tools-call-elicitation",
    "tools-call-sampling",
    "tools-call-with-logging",
}
MODERN = BOTH_ERAS | {
    "caching",
    "http-custom-header-server-validation",
    "http-header-validation",
    "input-required-result-basic-elicitation",
    "input-required-result-basic-list-roots",
    "input-required-result-basic-sampling",
    "input-required-result-capability-check",
    "input-required-result-ignore-extra-params",
    "input-required-result-missing-input-response",
    "input-required-result-multi-round",
    "input-required-result-multiple-input-requests",
    "input-required-result-non-tool-request",
    "input-required-result-request-state",
    "input-required-result-result-type",
    "input-required-result-tampered-state",
    "input-required-result-unsupported-methods",
    "input-required-result-validate-input",
    "sep-2164-resource-not-found",
    "server-stateless",
}
PASSING = {
    "0.1.16": HANDSHAKE,
    "2025-11-25": HANDSHAKE | {"server-session-lifecycle"},
    "2026-07-28": MODERN,
}
ALLOWED = {"SUCCESS", "INFO"}


@pytest.fixture(scope="session")
def judged(
    node: Node, conformance_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Checks]:
    """Run all three suites, and return the checks of each scenario."""
    return {run: _judge(node, run, conformance_server.url, tmp_path_factory.mktemp("checks")) for run in RUNS}


def _judge(node: Node, run: str, url: str, results: Path) -> Checks:
    package, *options = RUNS[run]
    line = [*node.command(package, "dist/index.js"), "server", "--url", url, "--suite", "all", "-o", str(results)]
    subprocess.run([*line, *options], capture_output=True, timeout=180, check=False)  # its exit code wants everything
    found: Checks = {}
    for file in results.glob("*/checks.json"):
        scenario = re.sub(r"^server-(.*)-\d{4}-\d\d-\d\dT.*$", r"\1", file.parent.name)
        found[scenario] = json.loads(file.read_text())
    return found


@pytest.mark.parametrize(("run", "scenario"), [(run, each) for run in PASSING for each in sorted(PASSING[run])])
def test_a_scenario_of_the_official_suite_passes(judged: dict[str, Checks], run: str, scenario: str) -> None:
    checks = judged[run][scenario]
    assert [check for check in checks if check["status"] not in ALLOWED] == []
    assert Counter(check["status"] for check in checks)["SUCCESS"] > 0


@pytest.mark.parametrize("run", RUNS)
def test_every_scenario_of_the_official_suite_is_listed(judged: dict[str, Checks], run: str) -> None:
    """A new version of the suite, with further scenarios, must not go by unread."""
    assert set(judged[run]) == PASSING[run]
