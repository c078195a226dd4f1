"""Everything side by side with keepalived, one after the other; 1 if any bound was exceeded.

    python -m bench

What needs IPVS runs in the lab's kernel, which is the machine's own where that has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LAB = Path(__file__).parent.parent / "netns-lab"
LAB_TIMEOUT_S = 900
BENCHES = {"reading": False, "ipvs_tables": True, "large_site": True, "tcp_checks": False}
"""And whether they need IPVS."""
OUTCOMES = {0: "all bounds held", 1: "a bound was exceeded", 2: "could not be measured here"}


def main() -> int:
    """Run all, whatever becomes of each."""
    path = os.pathsep.join([str(LAB), *filter(None, [os.environ.get("PYTHONPATH")])])
    codes: dict[str, int] = {}
    for name, needs_ipvs in BENCHES.items():
        print(f"== {name}", flush=True)
        lab = [sys.executable, "-m", "netns_lab", "run", "--timeout", str(LAB_TIMEOUT_S), "--"] if needs_ipvs else []
        command = [*lab, sys.executable, "-m", f"bench.{name}"]
        codes[name] = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=False).returncode
    print("==")
    for name, code in codes.items():
        print(f"  {name:12}{OUTCOMES.get(code, f'ended with status {code}')}")
    return int(any(codes.values()))


if __name__ == "__main__":
    sys.exit(main())
