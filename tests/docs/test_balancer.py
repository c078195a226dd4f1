"""What docs/balancer.md shows is taken as it stands."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from ipvs.types import DestinationKey, MarkKey, Protocol, ServiceKey
from tests.docs.markdown import ROOT, blocks
from vrrpd.balancer.overrides import Drain, FixedWeight, Maintenance
from vrrpd.config.model import GroupKey
from vrrpd.daemon.overrides_file import read_overrides

PAGE = ROOT / "docs/balancer.md"


def test_the_overrides_are_understood(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (example,) = blocks(PAGE, "json")
    path = tmp_path / "overrides.json"
    path.write_text(example)
    assert [override for _virtual, _real, override in read_overrides(path)] == [Drain(), Maintenance(), FixedWeight(5)]
    assert not caplog.records


def test_servers_are_called_as_it_says() -> None:
    address = ip_address("192.0.2.10")
    example = PAGE.read_text()
    assert f'"{ServiceKey(Protocol.TCP, address, 80)}"' in example
    assert f'"{DestinationKey(ip_address("192.0.2.101"), 80)}"' in example
    assert (str(GroupKey("GROUP", Protocol.TCP)), str(MarkKey(5))) == ("[GROUP]", "FWM 5")
    assert "`[GROUP]` or `FWM MARK`" in example
