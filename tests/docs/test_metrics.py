"""docs/metrics.md tells of every metric that is served, and of no other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.markdown import pages
from tests.docs.metrics_page import described, rules
from tests.status import values
from vrrpd.config.model import CompatMetrics
from vrrpd.protocol.actions import AlarmKind
from vrrpd.status.model import DirectorStatus, LatenessStatus, ProcessStatus, RouterStatus, Snapshot
from vrrpd.status.prometheus import expose


def test_every_metric_and_no_other_is_described_with_its_type() -> None:
    page = expose(_snapshot(), "text/plain")[0].decode()
    served = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    assert {name: metric.type for name, metric in described().items()} == served


def test_every_series_has_the_labels_that_are_described() -> None:
    page = expose(_busy(), "text/plain")[0].decode()
    labels: dict[str, set[frozenset[str]]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            name = family.name if family.type == "histogram" else sample.name
            labels.setdefault(name, set()).add(frozenset(sample.labels) - {"le"})
    assert labels == {name: {metric.labels} for name, metric in described().items() if name in labels}
    assert described().keys() - labels.keys() == set()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("vrrpd_virtual_router_state", "state"),
        ("vrrpd_sync_group_state", "state"),
        ("vrrpd_adverts_rejected_total", "reason"),
        ("vrrpd_vrrp_alarms_total", "kind"),
    ],
)
def test_every_value_of_a_label_is_described(name: str, label: str) -> None:
    families = text_string_to_metric_families(expose(_busy(), "text/plain")[0].decode())
    seen = {sample.labels[label] for family in families for sample in family.samples if sample.name == name}
    assert seen
    assert set(described()[name].words) == seen


def test_what_alerts_ask_for_is_described() -> None:
    asked_for = set(re.findall(r"\b(?:vrrpd|keepalived)_\w+", rules()))
    assert asked_for
    assert asked_for <= described().keys()


def test_metrics_that_other_pages_speak_of_are_described() -> None:
    spoken_of = {name for page in pages() for name in re.findall(r"`(vrrpd_[a-z_]+)(?:\{[^`]*)?`", page.read_text())}
    assert spoken_of
    assert spoken_of <= described().keys()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool of Debian's package prometheus")
def test_prometheus_takes_the_alerts() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", "/dev/stdin"], input=rules(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _busy() -> Snapshot:
    """A daemon with something of everything."""
    router, director = values.SNAPSHOT.router, values.SNAPSHOT.director
    assert router is not None
    assert director is not None
    one = replace(values.ROUTER, alarms=tuple((kind.value, 1) for kind in AlarmKind))
    server = replace(values.SERVER, real_servers=(replace(values.UP, certificate_end_unix_s=1.0), values.DOWN))
    return replace(
        values.SNAPSHOT,
        router=replace(router, virtual_routers=(one,)),
        director=replace(director, virtual_servers=(server,)),
    )


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
