"""docs/how-to/testing.md."""

from __future__ import annotations

import unittest
from collections.abc import Callable

import pytest

from tests.docs.conftest import Load


@pytest.mark.django_db(transaction=True)
def test_the_example_test_case_passes(load: Load, routed: Callable[[], None]) -> None:
    load("polls.mcp")
    routed()
    suite = unittest.defaultTestLoader.loadTestsFromModule(load("docs.examples.testing"))
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun == 2
    assert result.errors + result.failures == []
