"""docs/metrics.md tells of every metric that is served, and of no other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from tests.docs.metrics_page import described, rules
from vrrpd.config.model import CompatMetrics
from vrrpd.status.model import DirectorStatus, LatenessStatus, ProcessStatus, RouterStatus, Snapshot
from vrrpd.status.prometheus import expose


def test_every_metric_and_no_other_is_described_with_its_type() -> None:
    page = expose(_snapshot(), "text/plain")[0].decode()
    served = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    assert {name: metric.type for name, metric in described().items()} == served


def test_what_alerts_ask_for_is_described() -> None:
    asked_for = set(re.findall(r"\b(?:vrrpd|keepalived)_\w+", rules()))
    assert asked_for
    assert asked_for <= described().keys()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool of Debian's package prometheus")
def test_prometheus_takes_the_alerts() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", "/dev/stdin"], input=rules(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _snapshot() -> Snapshot:
    """A daemon with both of its processes and nothing configured: families are served all the same."""
    return Snapshot(
        reloads=0,
        reloads_refused=0,
        configuration_loaded_unix_s=0.0,
        compat_metrics=CompatMetrics.BOTH,
        processes=tuple(ProcessStatus(name, os.getpid(), True, True, 0) for name in ("router", "director")),
        router=RouterStatus((), 0, 0, 0, LatenessStatus(), 0),
        director=DirectorStatus((), 0, 0, 0, 0, 0, 0),
    )
