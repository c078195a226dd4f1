"""`python -m netns_lab`: run a command on the lab's kernel."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from netns_lab import kernel
from netns_lab.job import Job


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m netns_lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    run = verbs.add_parser("run", help="run a command as root on a kernel with IPVS")
    run.add_argument("--systemd", action="store_true", help="with systemd as the first process")
    run.add_argument("--timeout", type=float, metavar="S", help="seconds after which the command is killed (exit status 124)")
    run.add_argument("--rw", type=Path, action="append", default=[], metavar="DIR", help="directory in which writing lasts")
    run.add_argument("--memory", default="1G", metavar="M", help="of a guest (default: 1G)")
    run.add_argument("command", nargs="+", metavar="CMD")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    job = Job(
        arguments.command,
        timeout_s=arguments.timeout,
        writable=arguments.rw,
        memory=arguments.memory,
        systemd=arguments.systemd,
    )
    try:
        return kernel.run(job)
    except kernel.NoKernelError as error:
        sys.exit(f"netns_lab: {error}")


if __name__ == "__main__":
    sys.exit(main())
