"""DNS, UDP and ping on the loopback interface, against servers that are good, silent, slow, lying or made of noise."""

from __future__ import annotations

import random
import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from threading import Thread

import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck import ping
from healthcheck.datagram import CheckKind, DatagramEngine, Question, Verdictless
from healthcheck.dns import dns_question
from healthcheck.ping import internet_checksum, ping_question, read_reply
from healthcheck.types import DnsCheck, DnsRecordType, NotProbed, Outcome, PingCheck, ProbeResult, ReplyPattern, UdpCheck
from healthcheck.udp import udp_question
from tests.healthcheck.servers import descriptors_open

LOCALHOST = IPv4Address("127.0.0.1")
NOBODY = IPv4Address("127.83.21.5")
PATIENCE_S = 20.0
TIMEOUT_S = 0.3
Answer = Callable[[bytes], list[bytes]]


@contextmanager
def answering(answer: Answer, address: str = "127.0.0.1") -> Iterator[int]:
    """A UDP server in a thread; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 0))

        def serve() -> None:
            while True:
                octets, peer = server.recvfrom(65535)
                if octets == b"end":
                    return
                for reply in answer(octets):
                    server.sendto(reply, peer)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"end", server.getsockname())
            thread.join()


def probe(question: Callable[[CheckKind], Question | NotProbed], check: CheckKind) -> Outcome:
    before = descriptors_open()
    with closing(DatagramEngine[CheckKind, str](question)) as engine:
        outcome = engine.start(check, "probe")
        end_s = time.monotonic() + PATIENCE_S
        while outcome is None and time.monotonic() < end_s:
            deadline_s = engine.deadline()
            assert deadline_s is not None
            select.select([engine], [], [], max(0.0, deadline_s - time.monotonic()))
            for token, ended in engine.run():
                assert token == "probe"
                outcome = ended
        assert outcome is not None
        assert engine.in_flight == 0
        assert engine.run() == []
    assert descriptors_open() == before
    return outcome


def found(outcome: Outcome) -> tuple[bool, str]:
    assert isinstance(outcome, ProbeResult), outcome
    return outcome.success, outcome.reason


# -- UDP --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "replies", "expected"),
    [
        ({}, [], (True, "no error came back")),
        ({}, [b"?"], (True, "answered")),
        ({"require_reply": True}, [b"\x0f\xaa"], (True, "answered")),
        ({"require_reply": True}, [], (False, "no answer within 0.3 s")),
        ({"require_reply": True, "min_reply_octets": 3}, [b"12"], (False, "the answer has 2 octets, not 3 to 255")),
        ({"require_reply": True}, [bytes(300)], (False, "the answer has 300 octets, not 0 to 255")),
        ({"require_reply": True, "reply": ReplyPattern(b"\x0f\x0a", b"\xff\x0f")}, [b"\x0f\xfa tail"], (True, "answered")),
        ({"require_reply": True, "reply": ReplyPattern(b"\x0f\x0a", b"\xff\x0f")}, [b"\x0f"], (True, "answered")),
        (
            {"require_reply": True, "reply": ReplyPattern(b"\x0f\x0a", b"\xff\x0f")},
            [b"\x0f\xfb"],
            (False, "the answer is not the expected one"),
        ),
    ],
)
def test_udp(settings: dict[str, object], replies: list[bytes], expected: tuple[bool, str]) -> None:
    with answering(lambda _octets: replies) as port:
        check = UdpCheck(LOCALHOST, port, connect_timeout_s=TIMEOUT_S)
        assert found(probe(udp_question, replace(check, **settings))) == expected  # type: ignore[arg-type]  # a table


def test_a_closed_port_is_down_though_no_answer_is_required() -> None:
    assert found(probe(udp_question, UdpCheck(NOBODY, 9))) == (False, "connection refused")


def test_the_payload_is_what_was_asked_for() -> None:
    with answering(lambda octets: [octets]) as port:
        pattern = ReplyPattern(b"ask", b"\xff\xff\xff")
        check = UdpCheck(LOCALHOST, port, payload=b"ask", require_reply=True, reply=pattern)
        assert found(probe(udp_question, check)) == (True, "answered")


def test_what_this_machine_lacks_is_no_verdict() -> None:
    assert probe(udp_question, UdpCheck(NOBODY, 9, bind_interface="nosuch0")) == NotProbed(
        "cannot bind to interface nosuch0: no such device"
    )
    assert probe(udp_question, UdpCheck(IPv4Address("255.255.255.255"), 9)) == NotProbed(
        "cannot send to [255.255.255.255]:9: permission denied"
    )


# -- DNS --------------------------------------------------------------------------------------------------------------------


def response(query: bytes, code: dns.rcode.Rcode = dns.rcode.NOERROR) -> bytes:
    answer = dns.message.make_response(dns.message.from_wire(query))
    answer.set_rcode(code)
    return answer.to_wire()


def test_an_empty_answer_without_error_will_do() -> None:
    asked = []

    def answer(query: bytes) -> list[bytes]:
        asked.append(dns.message.from_wire(query))
        return [response(query)]

    with answering(answer) as port:
        check = DnsCheck(LOCALHOST, port, record_type=DnsRecordType.AAAA, name="www.example.org")
        assert found(probe(dns_question, check)) == (True, "answered")
    (question,) = asked[0].question
    assert (question.to_text(), asked[0].flags) == ("www.example.org. IN AAAA", dns.flags.RD)


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.NXDOMAIN, dns.rcode.REFUSED, dns.rcode.FORMERR])
def test_an_error_code_is_a_failure_and_named(code: dns.rcode.Rcode) -> None:
    with answering(lambda query: [response(query, code)]) as port:
        assert found(probe(dns_question, DnsCheck(LOCALHOST, port))) == (False, f"the answer is {dns.rcode.to_text(code)}")


def other_identifier(query: bytes) -> bytes:
    return bytes([query[0] ^ 1]) + response(query)[1:]


@pytest.mark.parametrize(
    ("lies", "oddity"),
    [
        (lambda _query: [b"", b"noise"], "what is no DNS message"),
        (lambda query: [query], "what answers another question"),
        (lambda query: [other_identifier(query)], "what answers another question"),
        (lambda _query: [random.Random(n).randbytes(500) for n in range(50)], "what"),
    ],
    ids=["noise", "echo", "another identifier", "much noise"],
)
def test_lies_are_no_answer_and_do_not_keep_the_right_one_from_being_heard(lies: Answer, oddity: str) -> None:
    with answering(lies) as port:
        success, reason = found(probe(dns_question, DnsCheck(LOCALHOST, port, connect_timeout_s=TIMEOUT_S)))
    assert not success
    assert reason.startswith(f"no answer within 0.3 s, only {oddity}")
    with answering(lambda query: [*lies(query), response(query)]) as port:
        assert found(probe(dns_question, DnsCheck(LOCALHOST, port))) == (True, "answered")


@given(st.binary(max_size=600))
def test_whatever_a_name_server_sends_is_judged(octets: bytes) -> None:
    question = dns_question(DnsCheck(LOCALHOST, 53))
    assert not isinstance(question, NotProbed)
    question.read(octets)
    question.read(question.octets[:2] + octets)


def test_a_name_that_is_none_is_no_verdict() -> None:
    outcome = probe(dns_question, DnsCheck(LOCALHOST, 53, name="a" * 64 + ".org"))
    assert isinstance(outcome, NotProbed)
    assert outcome.reason.startswith(f"`{'a' * 64}.org` is no domain name: ")


def test_a_real_name_server(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    command = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=", "--group="]
    command += [f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", f"--pid-file={tmp_path / 'pid'}"]
    command += ["--address=/www.example.org/192.0.2.7", "--local=/example.org/"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            known = DnsCheck(LOCALHOST, port, record_type=DnsRecordType.A, name="www.example.org")
            end_s = time.monotonic() + PATIENCE_S
            while not (outcome := found(probe(dns_question, known)))[0] and time.monotonic() < end_s:
                assert server.poll() is None
            assert outcome == (True, "answered")
            unknown = replace(known, name="nosuch.example.org")
            assert found(probe(dns_question, unknown)) == (False, "the answer is NXDOMAIN")
            assert found(probe(dns_question, replace(known, name=".", record_type=DnsRecordType.SOA))) == (
                False,
                "the answer is REFUSED",
            )
        finally:
            server.kill()


# -- ping -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [LOCALHOST, IPv6Address("::1")], ids=str)
@pytest.mark.parametrize("datagrams", [True, False], ids=["datagram socket", "raw socket"])
@pytest.mark.kernel
def test_this_machine_answers_a_ping(
    address: IPv4Address | IPv6Address, datagrams: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
    monkeypatch.setattr(ping, "_datagrams_allowed", lambda _version: datagrams)
    assert found(probe(ping_question, PingCheck(address, 0))) == (True, "answered")


@pytest.mark.kernel
def test_without_the_right_to_datagram_sockets_raw_ones_are_taken() -> None:
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("1 0")
    ping._datagrams_allowed.cache_clear()
    question = ping_question(PingCheck(LOCALHOST, 0))
    ping._datagrams_allowed.cache_clear()
    assert question.kind is socket.SOCK_RAW


REPLY = ping.HEADER.pack(ping.ECHO_REPLY, 0, 0, 0x1234, 7)
IP_HEADER = bytes([0x46]) + bytes(23)
"""With options."""


@pytest.mark.parametrize(
    ("version", "identifier", "packet", "judged"),
    [
        (4, 0x1234, IP_HEADER + REPLY, None),
        (4, None, REPLY, None),
        (6, 0x1234, ping.HEADER.pack(ping.ECHO_REPLY_6, 0, 0, 0x1234, 7), None),
        (4, 0x4321, IP_HEADER + REPLY, Verdictless("replies to somebody else")),
        (4, None, ping.HEADER.pack(ping.ECHO_REPLY, 0, 0, 0, 8), Verdictless("replies to somebody else")),
        (4, None, ping.HEADER.pack(ping.ECHO_REQUEST, 0, 0, 0x1234, 7), Verdictless("other ICMP packets")),
        (4, 0x1234, b"", Verdictless("a packet cut short")),
        (4, 0x1234, IP_HEADER + REPLY[:-1], Verdictless("a packet cut short")),
    ],
)
def test_only_the_reply_to_our_own_request_counts(
    version: int, identifier: int | None, packet: bytes, judged: Verdictless | None
) -> None:
    assert read_reply(version, identifier, 7, packet) == judged


@given(st.binary(min_size=2, max_size=80).filter(lambda octets: not len(octets) % 2))
def test_a_packet_with_its_checksum_sums_up_to_nothing(octets: bytes) -> None:
    packet = b"\0\0" + octets
    assert internet_checksum(struct.pack("!H", internet_checksum(packet)) + octets) in (0, 0xFFFF)
