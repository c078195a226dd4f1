"""A shell in a topology: everything runs, and the hosts are there to be looked at and to be hurt.

    python -m netns_lab lab lvs-dr

runs this on the lab's kernel. Leaving the shell takes everything down.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from netns_lab import topology
from netns_lab.namespaces import Lab
from netns_lab.programs import ROUTERS, start_router, start_web_servers
from netns_lab.topology import Service, Topology

ON_HOST = """#!/bin/sh
# on HOST CMD...: run a command on a host of the lab.
exec ip netns exec "$@"
"""


def main(arguments: list[str]) -> int:
    """Build the topology, start its programs and talk to whoever sits at the terminal."""
    parser = argparse.ArgumentParser(prog="lab")
    parser.add_argument("topology")
    parser.add_argument("--routers", choices=ROUTERS, default="vrrpd")
    options = parser.parse_args(arguments)
    plan = topology.load(options.topology)
    with Lab(plan) as lab:
        start_web_servers(lab)
        logs = [start_router(host, options.routers).log_path for host in lab.hosts.values() if Service.ROUTER in host.plan.runs]
        print(_welcome(plan, options.routers, logs), flush=True)
        return subprocess.run(["bash", "--norc", "-i"], env=_environment(lab), check=False).returncode


def _welcome(plan: Topology, router: str, logs: list[Path]) -> str:
    example = f"curl -s http://{plan.virtual_address}/"
    return "\n".join(
        [
            plan.drawing,
            "",
            f"Reach a host with `on HOST CMD`, for example: on client {example}",
            f"The hosts are {', '.join(plan.hosts)}, and bridge.",
            *([f"{router} logs to " + " and ".join(map(str, logs))] if logs else []),
            "`exit` takes everything down.",
        ]
    )


def _environment(lab: Lab) -> dict[str, str]:
    """The shell's: `on` is on its path, and its prompt says where it is."""
    command = lab.directory / "bin" / "on"
    command.parent.mkdir()
    command.write_text(ON_HOST)
    command.chmod(0o755)
    path = os.pathsep.join([str(command.parent), "/usr/sbin", "/sbin", os.environ.get("PATH", os.defpath)])
    return os.environ | {"PATH": path, "PS1": f"{lab.topology.name}# "}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
