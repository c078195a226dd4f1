"""Reading a large configuration: `vrrpd check` beside `keepalived -t`.

The file has 2,284 virtual servers with 16 real servers each, all with a TCP check: what one director of a large site holds.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.running import Run, run
from bench.site import configuration

VIRTUAL_SERVERS = 2_284
REAL_SERVERS = 16
ROUNDS = 3
RATIO_MAX = 8.0
"""Processor time of vrrpd over that of keepalived."""
MEMORY_MAX_MIB = 400.0
TO_THE_MODEL = "import sys; from vrrpd.config import load; sys.exit(bool(load(sys.argv[1]).diagnostics))"


def main() -> int:
    """Measure in turns, so that both meet the same other load; print a table; 1 if a bound is exceeded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.conf"
        path.write_text(configuration(VIRTUAL_SERVERS, REAL_SERVERS))
        lines = path.read_text().count("\n")
        namespaces = ["unshare", "--mount", "--net", *(["--map-root-user"] if os.geteuid() else [])]
        theirs: list[Run] = []
        ours: list[Run] = []
        for _ in range(ROUNDS):
            theirs.append(run([*namespaces, "sh", "-c", 'mount -t tmpfs run /run && exec keepalived -t -f "$1"', "sh", path]))
            ours.append(run([sys.executable, "-c", TO_THE_MODEL, path]))
    assert not any(one.exit_code for one in [*theirs, *ours]), [one.output[:500] for one in [*theirs, *ours]]
    return _report(lines, theirs, ours)


def _report(lines: int, theirs: list[Run], ours: list[Run]) -> int:
    print(
        f"reading {lines:,} lines: {VIRTUAL_SERVERS:,} virtual servers with {REAL_SERVERS} real servers each, {ROUNDS} rounds"
    )
    print(f"  {'':20}{'processor s':>12}{'elapsed s':>12}{'peak MiB':>12}")
    for name, runs in (("keepalived -t", theirs), ("vrrpd, to the model", ours)):
        columns = (median(one.processor_s for one in runs), median(one.elapsed_s for one in runs), _peak_mib(runs))
        print(f"  {name:20}{columns[0]:12.2f}{columns[1]:12.2f}{columns[2]:12.0f}")
    ratio = median(our.processor_s / their.processor_s for our, their in zip(ours, theirs, strict=True))
    print(f"  ratio {ratio:.1f}, at most {RATIO_MAX:g}; memory {_peak_mib(ours):.0f} MiB, at most {MEMORY_MAX_MIB:.0f}")
    return int(ratio > RATIO_MAX or _peak_mib(ours) > MEMORY_MAX_MIB)


def _peak_mib(runs: list[Run]) -> float:
    return max(one.peak_mib for one in runs)


if __name__ == "__main__":
    sys.exit(main())
