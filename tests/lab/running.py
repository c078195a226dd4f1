"""vrrpd on one host of a lab, as its operator has it: a file to edit, a service to start, reload and kill, pages to read."""

from __future__ import annotations

import http.client
import signal
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from netns_lab import processes, programs
from netns_lab.namespaces import Host
from netns_lab.programs import Daemon
from netns_lab.waiting import wait_for

HTTP_HOST, HTTP_PORT = "127.0.0.1", 9165
HTTP_LISTEN = f"{HTTP_HOST}:{HTTP_PORT}"
HTTP_TIMEOUT_S = 10.0
PROMPT_S = 10.0
"""Deadline for what a daemon does at once, on a guest that shares its CPU with others."""
ADVERT_LATE_S = 1.1
"""An advert that comes so long after the one before it, at an interval of 1 s, was held up."""
ELECTED_S = 30.0
"""Deadline for a change of master, which takes 3.6 s, perhaps after the start of two daemons on a busy guest."""
STARTED_S = 40.0
"""Deadline for a start: Python reads hundreds of files, on a guest whose system calls are slow and which shares its CPU."""


class Vrrpd:
    """The service. It may be started again after its end; files in the run directory and the log go on."""

    def __init__(self, host: Host, text: str | None = None) -> None:
        """Put a configuration, by default a copy of the topology's, into the host's directory, and start nothing yet."""
        self.host = host
        self.configuration = host.directory / "vrrpd.conf"
        if text is None:
            assert host.plan.configuration is not None
            text = host.plan.configuration.read_text()
        self.configuration.write_text(text)
        self.run_directory = host.directory / "vrrpd"
        self.daemon: Daemon

    def edit(self, *changes: tuple[str, str]) -> None:
        """Replace texts in the configuration; each must be there."""
        text = self.configuration.read_text()
        for old, new in changes:
            assert old in text, f"the configuration has no {old!r}"
            text = text.replace(old, new)
        self.configuration.write_text(text)

    def start(self, *options: str) -> None:
        """Start it without waiting for anything."""
        self.daemon = programs.vrrpd(self.host, self.configuration, "--http", HTTP_LISTEN, *options)

    def wait_until_ready(self) -> None:
        """Wait until all its processes answer."""
        wait_for(self._is_ready, STARTED_S, f"vrrpd on {self.host.plan.name} being ready")

    def wait_until(self, state: str, name: str = "VI_1") -> None:
        """Wait until a virtual router is in a state, as the metrics call it."""
        wait_for(lambda: self.state(name) == state, ELECTED_S, f"{name} on {self.host.plan.name} being {state}")

    def reload(self) -> None:
        """Have it read its configuration again and wait until it has applied or refused it."""
        before = self.metric("vrrpd_reloads_total")
        self.daemon.signal(signal.SIGHUP)
        wait_for(lambda: self.metric("vrrpd_reloads_total") > before, PROMPT_S, "the reload")

    def pid_file(self, process: str) -> Path:
        """Where the id of `vrrpd`, `router` or `director` stands."""
        return self.run_directory / f"{process}.pid"

    def pid(self, process: str) -> int:
        """The id of `vrrpd`, `router` or `director`."""
        return int(self.pid_file(process).read_text())

    def wait_for_restart(self, process: str, old: int) -> None:
        """Wait until a child has another process id than `old`."""
        path = self.pid_file(process)
        wait_for(lambda: path.exists() and path.read_text().strip() not in ("", str(old)), PROMPT_S, f"a new {process}")

    def wait_for_end(self, pids: list[int]) -> None:
        """Wait until none of these processes lives."""
        wait_for(lambda: not any(map(processes.is_alive, pids)), PROMPT_S, f"the end of {pids}")

    def state(self, name: str = "VI_1") -> str | None:
        """The state of a virtual router; None if there is no such virtual router, or no answer."""
        for (metric, labels), value in self.metrics().items():
            if metric == "vrrpd_virtual_router_state" and ("name", name) in labels and value == 1:
                return dict(labels)["state"]
        return None

    def metric(self, name: str, /, **labels: str) -> float:
        """The sum of all samples of that name with these labels; 0 if there is none."""
        return sum(
            value for (found, theirs), value in self.metrics().items() if found == name and labels.items() <= set(theirs)
        )

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample by name and labels; nothing if the daemon does not answer."""
        try:
            status, page = self.get("/metrics")
        except OSError:
            return {}
        assert status == http.client.OK
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page. Raises OSError if nobody answers."""
        with self.host.entered():
            connection = http.client.HTTPConnection(HTTP_HOST, HTTP_PORT, timeout=HTTP_TIMEOUT_S)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            finally:
                connection.close()

    def _is_ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == http.client.OK
        except OSError:
            return False
