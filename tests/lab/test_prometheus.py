"""A Prometheus server, Debian's own, scrapes both directors from the client's host while they take over from each other."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from netns_lab import programs, topology
from netns_lab.namespaces import Host, Lab
from netns_lab.programs import Daemon
from netns_lab.waiting import wait_for
from tests.docs.metrics_page import described

pytestmark = pytest.mark.kernel

SCRAPE_INTERVAL_S = 1
METRICS_PORT, PROMETHEUS_PORT = 9165, 9090
LVS1, LVS2 = f"192.168.4.5:{METRICS_PORT}", f"192.168.4.6:{METRICS_PORT}"
BACKUP, MASTER = 1.0, 2.0
"""Values of keepalived_vrrp_state."""
HTTP_TIMEOUT_S = 10.0
START_TIMEOUT_S = 60.0
"""Prometheus is a large program, and the guest a slow machine."""
ELECTED_TIMEOUT_S = 20.0
"""A start and an election of 3.6 s, or an election and a scrape, on a guest that shares its CPU."""


class Prometheus:
    """The server on a host, asked through its HTTP interface there."""

    def __init__(self, host: Host, targets: list[str]) -> None:
        """Start it and wait until it has scraped every target once."""
        self.host = host
        configuration = host.directory / "prometheus.yml"
        jobs = [{"job_name": "vrrpd", "static_configs": [{"targets": targets}]}]
        settings = {"global": {"scrape_interval": f"{SCRAPE_INTERVAL_S}s"}, "scrape_configs": jobs}
        configuration.write_text(json.dumps(settings))  # which is YAML as well
        self.daemon = Daemon(
            "prometheus",
            host,
            [
                "prometheus",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={host.directory / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}",
            ],
        )
        wait_for(lambda: self.query("up").keys() == set(targets), START_TIMEOUT_S, "a scrape of every target")

    def query(self, expression: str) -> dict[str, float]:
        """The present value of a vector with one element for each target, by target; nothing while the server starts."""
        try:
            answer = self._get(f"/api/v1/query?{urlencode({'query': expression})}")
        except OSError:
            return {}
        elements = answer["data"]["result"]
        values = {element["metric"]["instance"]: float(element["value"][1]) for element in elements}
        assert len(values) == len(elements), f"{expression} is more than one series for a target"
        return values

    def targets(self) -> dict[str, tuple[str, str]]:
        """Health and last error of every target."""
        active = self._get("/api/v1/targets")["data"]["activeTargets"]
        return {target["labels"]["instance"]: (target["health"], target["lastError"]) for target in active}

    def _get(self, path: str) -> Any:
        return json.loads(get(self.host, "127.0.0.1", PROMETHEUS_PORT, path))


def get(host: Host, address: str, port: int, path: str) -> str:
    """A page, asked for from a host. Raises OSError if nobody answers, or not with the page."""
    with host.entered():
        connection = http.client.HTTPConnection(address, port, timeout=HTTP_TIMEOUT_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
    if answer.status != http.client.OK:
        raise ConnectionError(f"{answer.status} {answer.reason}: {body}")
    return body


def is_ready(host: Host, listen: str) -> bool:
    """Whether all processes of the vrrpd that serves metrics there answer."""
    address, _, port = listen.partition(":")
    try:
        get(host, address, int(port), "/readyz")
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The lvs-dr topology with its web servers."""
    with Lab(topology.load("lvs-dr")) as lab:
        programs.start_web_servers(lab)
        yield lab


@pytest.fixture(scope="module")
def directors(lab: Lab) -> dict[str, Daemon]:
    """vrrpd on both directors, serving metrics on their own addresses; the first is master."""
    daemons = {
        listen: programs.start_router(lab.host(name), "vrrpd", "--http", listen)
        for name, listen in (("lvs1", LVS1), ("lvs2", LVS2))
    }
    wait_for(lambda: lab.holders() == [lab.host("lvs1")], ELECTED_TIMEOUT_S, "lvs1 being master")
    client = lab.host("client")
    wait_for(lambda: all(is_ready(client, listen) for listen in daemons), ELECTED_TIMEOUT_S, "metrics of both")
    return daemons


@pytest.fixture(scope="module")
def prometheus(lab: Lab, directors: dict[str, Daemon]) -> Prometheus:
    """Scrapes every second."""
    return Prometheus(lab.host("client"), list(directors))


def test_both_directors_are_up_and_only_the_master_is_one(prometheus: Prometheus) -> None:
    assert prometheus.query("up") == {LVS1: 1.0, LVS2: 1.0}
    assert prometheus.query("keepalived_vrrp_state") == {LVS1: MASTER, LVS2: BACKUP}
    assert prometheus.query('vrrpd_virtual_router_state{state="master"}') == {LVS1: 1.0, LVS2: 0.0}
    assert prometheus.targets() == {LVS1: ("up", ""), LVS2: ("up", "")}


def test_promtool_finds_nothing_to_say_of_a_page(lab: Lab, prometheus: Prometheus) -> None:
    page = get(lab.host("client"), LVS1.partition(":")[0], METRICS_PORT, "/metrics")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_every_sample_has_the_labels_that_are_documented(lab: Lab, prometheus: Prometheus) -> None:
    page = get(lab.host("client"), LVS1.partition(":")[0], METRICS_PORT, "/metrics")
    samples = [
        (family.name if family.type == "histogram" else sample.name, sample.labels.keys() - {"le"})
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]
    assert len(samples) > 100
    documented = described()
    assert {name: labels for name, labels in samples if labels != documented[name].labels} == {}


def test_when_the_master_stops_the_other_one_is_seen_to_be_master(directors: dict[str, Daemon], prometheus: Prometheus) -> None:
    assert directors[LVS1].stop() == 0
    seen = {LVS2: MASTER}
    wait_for(lambda: prometheus.query("keepalived_vrrp_state") == seen, ELECTED_TIMEOUT_S, "lvs2 alone, and as master")
    assert prometheus.query("up") == {LVS1: 0.0, LVS2: 1.0}
    assert prometheus.query(f'min_over_time(up{{instance="{LVS2}"}}[5m])') == {LVS2: 1.0}, "no scrape of it ever failed"
    assert prometheus.targets()[LVS2] == ("up", "")
