"""The programs of a lab, by name: the VRRP daemons vrrpd and keepalived; nginx, dnsmasq and Redis as servers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

from netns_lab import processes
from netns_lab.namespaces import Host, Lab
from netns_lab.topology import Service
from netns_lab.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
"""Where `python -m vrrpd` finds the daemon without an installation."""

STOP_TIMEOUT_S = 10.0
"""A daemon that has not left by then hangs; keepalived needs a second for its children."""
SERVER_START_TIMEOUT_S = 5.0
WEB_PORT = 80
DNS_PORT = 53
REDIS_PORT = 6379
LOOPBACK = "127.0.0.1"
SERVED_LOG = "served.log"
"""A line for each answered request."""


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


def start_web_server(host: Host, *ports: int, tls_ports: Collection[int] = ()) -> Daemon:
    """Start nginx on these ports, by default on 80, and wait until it accepts connections.

    It answers every request with the host's name; `/healthz` and `/readyz` with 503 as long as the host is :func:`sick`. What
    it answers on `tls_ports` is encrypted, with a certificate that the host has signed itself.
    """
    plain = ports or (() if tls_ports else (WEB_PORT,))
    if tls_ports:
        _make_certificate(host)
    configuration = host.directory / "nginx.conf"
    configuration.write_text(_nginx_configuration(host, plain, tls_ports))
    daemon = Daemon("nginx", host, ["nginx", "-e", "stderr", "-p", host.directory, "-c", configuration])
    _wait_until_accepted("nginx", host, [*plain, *tls_ports][-1])
    return daemon


def start_web_servers(lab: Lab) -> dict[str, Daemon]:
    """A web server in each host that the topology wants one in, by the host's name."""
    return {name: start_web_server(host) for name, host in lab.hosts.items() if Service.WEB_SERVER in host.plan.runs}


def sick(host: Host) -> Path:
    """The file that makes the host's web server answer questions for its health with 503 as long as it exists."""
    return host.directory / "sick"


def served(host: Host) -> Counter[tuple[str, int]]:
    """How many requests the host's web server has answered, by the address and the port that it was asked at."""
    path = host.directory / SERVED_LOG
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter((address, int(port)) for address, port in map(str.split, lines))


def start_name_server(host: Host, *records: str) -> Daemon:
    """Start dnsmasq on port 53 and wait until it answers: `whoami` is a TXT record with the host's name.

    `records` are further ones, as options of dnsmasq(8). Other names are refused.
    """
    options = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file"]
    daemon = Daemon("dnsmasq", host, ["dnsmasq", *options, f"--txt-record=whoami,{host.plan.name}", *records])
    _wait_until_accepted("dnsmasq", host, DNS_PORT)
    return daemon


def start_redis(host: Host, *options: str) -> Daemon:
    """Start Redis on port 6379, which keeps nothing on disk, and wait until it accepts connections.

    `options` are further ones, as redis-server(1) takes them.
    """
    command: list[str | Path] = ["redis-server", "--bind", "*", "--protected-mode", "no", "--save", "", "--dir", host.directory]
    daemon = Daemon("redis", host, [*command, *options])
    _wait_until_accepted("redis-server", host, REDIS_PORT)
    return daemon


def _nginx_configuration(host: Host, ports: Collection[int], tls_ports: Collection[int]) -> str:
    """One worker, everything below the host's own directory, connections closed after each answer."""
    temporary = "\n".join(f"    {kind}_temp_path temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    wanted = [(port, "") for port in ports] + [(port, " ssl") for port in tls_ports]
    listen = "\n".join(f"        listen {where}{port}{tls} backlog=1024;" for port, tls in wanted for where in ("", "[::]:"))
    certificate = "ssl_certificate certificate.pem;\n        ssl_certificate_key key.pem;" if tls_ports else ""
    return f"""
daemon off;
user root;
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
{temporary}
    log_format served "$server_addr $server_port";
    access_log {SERVED_LOG} served;
    keepalive_timeout 0;
    default_type text/plain;
    server {{
{listen}
        {certificate}
        location / {{ return 200 "{host.plan.name}\\n"; }}
        location ~ ^/(healthz|readyz)$ {{
            access_log off;
            if (-f {sick(host)}) {{ return 503; }}
            return 200 "ok\\n";
        }}
    }}
}}
"""


def _make_certificate(host: Host) -> None:
    """`certificate.pem` and `key.pem` in the host's directory, made once."""
    certificate = host.directory / "certificate.pem"
    if certificate.exists():
        return
    host.run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", f"/CN={host.plan.name}", "-days", "1", "-keyout", host.directory / "key.pem", "-out", certificate),
    )


def _wait_until_accepted(what: str, host: Host, port: int) -> None:
    def accepts() -> bool:
        with host.entered(), socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, port)) == 0

    wait_for(accepts, SERVER_START_TIMEOUT_S, f"{what} in {host.plan.name} accepting connections")
