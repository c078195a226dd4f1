"""The demonstration's story, and that what it measures is within its limits."""

from __future__ import annotations

import pytest

from netns_lab.demo import Demonstration
from netns_lab.namespaces import Lab

pytestmark = pytest.mark.kernel

ELECTION = "election"
"""Contains the start of two daemons, which takes a busy machine as long as it likes; that it comes about is enough here."""


def test_what_the_demonstration_measures_is_within_its_limits(lab: Lab) -> None:
    demonstration = Demonstration(lab, "vrrpd")
    demonstration.tell()
    assert len(demonstration.findings) == 7
    assert [finding for finding in demonstration.findings if not (finding.is_good or finding.what == ELECTION)] == []
