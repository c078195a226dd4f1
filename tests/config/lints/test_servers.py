from __future__ import annotations

import pytest

from tests.config.lints.linting import codes
from tests.config.reading import Reader


def server(*settings: str, real: tuple[str, ...] = ("weight 1",), protocol: str = "TCP") -> str:
    """A virtual server; settings begin at line 5, and its real servers follow them."""
    reals = "".join(f" real_server 192.0.2.{101 + index} 80 {{\n  {one}\n }}\n" for index, one in enumerate(real))
    lines = "".join(f" {one}\n" for one in settings)
    return f"virtual_server 192.0.2.80 80 {{\n lb_algo rr\n lb_kind DR\n protocol {protocol}\n{lines}{reals}}}\n"


def check(port: int | None) -> str:
    """A check; what it says is on its second line."""
    return "TCP_CHECK {\n   " + (f"connect_port {port}" if port else "retry 2") + "\n  }"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            server("ops", "persistence_timeout 50", protocol="UDP"), ["5 persistence-with-ops"], id="each undoes the other"
        ),
        pytest.param(server("ops", protocol="UDP"), [], id="one-packet scheduling"),
        pytest.param(server("persistence_timeout 50", protocol="UDP"), [], id="persistence"),
        pytest.param(server(real=("weight 0", "weight 0")), ["1 weight-zero"], id="nobody gets a connection"),
        pytest.param(server(real=("weight 0", "weight 1")), [], id="one server is taken out"),
        pytest.param(
            server(real=("weight 0\n  MISC_CHECK {\n   misc_path </dev/null\n   misc_dynamic\n  }",)),
            [],
            id="a check that sets the weight",
        ),
        pytest.param(
            server("quorum 2", "hysteresis 1", real=("weight 1", "weight 1")), ["6 quorum-unreachable"], id="never gained"
        ),
        pytest.param(server("quorum 2", "hysteresis 1", real=("weight 1", "weight 2")), [], id="gained with all servers"),
        pytest.param(server("sorry_server 192.0.2.101 80"), ["5 real-server-twice"], id="a sorry server that fails as well"),
        pytest.param(server("sorry_server 192.0.2.109 80"), [], id="a sorry server of its own"),
        pytest.param(
            server(real=(check(None), check(8080), check(None))), ["12 check-port-differs"], id="one is asked elsewhere"
        ),
        pytest.param(server(real=(check(8080), check(8080))), [], id="all are asked elsewhere"),
        pytest.param(server(real=(check(8080), check(8081))), [], id="each has a port of its own for checks"),
        pytest.param(server(real=(check(80), check(None))), [], id="the port that is served, written out"),
        pytest.param(server(real=(check(None), check(None) + "\n  " + check(8080))), [], id="one is asked elsewhere too"),
        pytest.param(
            server(real=(check(None) + "\n  " + check(8080), check(None) + "\n  " + check(8080))),
            [],
            id="every server is asked on both",
        ),
        pytest.param(
            server("lb_kind TUN", real=("weight 1",)).replace("192.0.2.101", "2001:db8::1"),
            ["6 mixed-families"],
            id="a server of the other family",
        ),
        pytest.param(
            "virtual_server fwmark 5 {\n ip_family inet6\n lb_algo rr\n lb_kind TUN\n"
            " real_server 192.0.2.101 {\n }\n real_server 192.0.2.102 {\n }\n}\n",
            ["5 mixed-families"],
            id="servers of the other family behind a mark",
        ),
    ],
)
def test_virtual_servers(reader: Reader, text: str, said: list[str]) -> None:
    assert codes(reader, text) == said
