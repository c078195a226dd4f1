"""The programs of a lab, by name: the VRRP daemons vrrpd and keepalived, and nginx as the web server."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from netns_lab import processes
from netns_lab.namespaces import Host, Lab
from netns_lab.topology import Service
from netns_lab.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
"""Where `python -m vrrpd` finds the daemon without an installation."""

STOP_TIMEOUT_S = 10.0
"""A daemon that has not left by then hangs; keepalived needs a second for its children."""
WEB_SERVER_START_TIMEOUT_S = 5.0
WEB_PORT = 80


class Daemon:
    """A program that runs in a host until it is stopped or crashed."""

    def __init__(self, name: str, host: Host, command: list[str | Path], environment: dict[str, str] | None = None) -> None:
        """Start it; what it prints goes to `log_path`, after what an earlier one of that name has printed there."""
        self.name = name
        self.host = host
        self.log_path = host.directory / f"{name}.log"
        self.process: subprocess.Popen[bytes] = host.spawn(*command, log=self.log_path, environment=environment)

    def pids(self) -> list[int]:
        """All its processes, parents before children."""
        return processes.tree(self.process.pid)

    def log(self) -> str:
        """All that it and its forerunners on this host have printed."""
        return self.log_path.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its first process."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """Ask it to leave (SIGTERM), wait until it has and return its exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(STOP_TIMEOUT_S)

    def crash(self) -> None:
        """Kill all its processes (SIGKILL) as if at once."""
        processes.crash(self.process)


def keepalived(host: Host, configuration: Path, *options: str) -> Daemon:
    """Start keepalived on a file, changed as far as keepalived needs it (:func:`for_keepalived`)."""
    adapted = host.directory / "keepalived.conf"
    adapted.write_text(for_keepalived(configuration.read_text()))
    pid_files: list[str | Path] = []
    for option, child in (("-p", "keepalived"), ("-r", "vrrp"), ("-c", "checkers")):
        pid_files += [option, host.directory / f"{child}.pid"]
    return Daemon("keepalived", host, ["keepalived", "-n", "-l", "-D", "-f", adapted, *pid_files, *options])


def for_keepalived(text: str) -> str:
    """A file of tests/inputs in the words that keepalived knows, with the same meaning.

    It knows the authentication type only in capitals, `nb_get_retry` of a TCP check as `retry`, and no `//` remarks.
    """
    text = re.sub(r"(?m)(^|\s)//.*$", "", text)
    text = re.sub(r"(?m)^(\s*auth_type\s+)pass\b", r"\1PASS", text)
    return re.sub(r"(?m)^(\s*)nb_get_retry\b", r"\1retry", text)


def vrrpd(host: Host, configuration: Path, *options: str) -> Daemon:
    """Start vrrpd on a file as it is."""
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    run_directory = host.directory / "vrrpd"
    command: list[str | Path] = [sys.executable, "-m", "vrrpd", "-n", "-l", "-f", configuration, "--run-dir", run_directory]
    return Daemon("vrrpd", host, [*command, *options], os.environ | {"PYTHONPATH": path})


ROUTERS: dict[str, Callable[..., Daemon]] = {"vrrpd": vrrpd, "keepalived": keepalived}
"""The VRRP daemons by name; each takes a host, a configuration file and further options."""


def start_router(host: Host, name: str, *options: str) -> Daemon:
    """Start the VRRP daemon called `name` on the host's own configuration."""
    if host.plan.configuration is None:
        raise ValueError(f"{host.plan.name} runs no router")
    return ROUTERS[name](host, host.plan.configuration, *options)


def start_web_server(host: Host, port: int = WEB_PORT) -> Daemon:
    """Start nginx, which answers every request with the host's name, and wait until it accepts connections."""
    configuration = host.directory / "nginx.conf"
    configuration.write_text(_nginx_configuration(host, port))
    daemon = Daemon("nginx", host, ["nginx", "-e", "stderr", "-p", host.directory, "-c", configuration])
    wait_for(lambda: _accepts(host, port), WEB_SERVER_START_TIMEOUT_S, f"nginx in {host.plan.name} accepting connections")
    return daemon


def start_web_servers(lab: Lab) -> dict[str, Daemon]:
    """A web server in each host that the topology wants one in, by the host's name."""
    return {name: start_web_server(host) for name, host in lab.hosts.items() if Service.WEB_SERVER in host.plan.runs}


def _nginx_configuration(host: Host, port: int) -> str:
    """One worker, everything below the host's own directory, connections closed after each answer."""
    temporary = "\n".join(f"    {kind}_temp_path temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
daemon off;
user root;
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
{temporary}
    access_log off;
    keepalive_timeout 0;
    default_type text/plain;
    server {{
        listen {port} backlog=1024;
        return 200 "{host.plan.name}\\n";
    }}
}}
"""


def _accepts(host: Host, port: int) -> bool:
    with host.entered(), socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
