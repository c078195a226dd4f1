"""Every kind of check against every kind of hostile server, all at once, as the scheduler runs them.

Each gets its verdict in its time and a reason in words, round after round; healthy servers beside them stay up; in the end no
descriptor is open, no process is left, and little memory was taken.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from healthcheck import misc
from healthcheck.probers import probers
from healthcheck.types import (
    AgentCheck,
    Check,
    DnsCheck,
    FileCheck,
    GrpcCheck,
    HttpCheck,
    HttpVersion,
    MiscCheck,
    NetworkCheck,
    PingCheck,
    RedisCheck,
    Regex,
    ReplyPattern,
    SmtpCheck,
    Sni,
    SslCheck,
    TcpCheck,
    Tls,
    TlsCheck,
    TlsFiles,
    UdpCheck,
    Url,
)
from tests.healthcheck.hostile import NAME
from tests.healthcheck.observing import PACE, ROUNDS, TIMEOUT_S, Case, Observation, differing, late, observe
from tests.healthcheck.servers import LOCALHOST, PATIENCE_S, assert_none_lives

REPOSITORY = Path(__file__).parents[2]
TERM_GRACE_S = 0.2
COMMAND_PACE = replace(PACE, from_start=True)
MEMORY_KIB_MAX = 32 * 1024
"""For all of them together. A dozen servers send 16 MiB each and more, at the same time."""

PLAIN = Url("/", virtual_host=NAME)
READ_TO_THE_END = replace(PLAIN, digest=bytes(16))
SEARCHED = replace(PLAIN, regex=Regex("needle"))

Make = Callable[[int], NetworkCheck]
"""A check of a server by its port."""

web = partial(HttpCheck, LOCALHOST, urls=(PLAIN,), version=HttpVersion.HTTP_1_1)
web_to_the_end = partial(web, urls=(READ_TO_THE_END,))
web_searched = partial(web, urls=(SEARCHED,))
web2 = partial(web, version=HttpVersion.HTTP_2)
web2_to_the_end = partial(web2, urls=(READ_TO_THE_END,))
secure = partial(SslCheck, LOCALHOST, urls=(PLAIN,), version=HttpVersion.HTTP_1_1)
secure_to_the_end = partial(secure, urls=(READ_TO_THE_END,))
secure2 = partial(secure, version=HttpVersion.HTTP_2)
secure2_to_the_end = partial(secure2, urls=(READ_TO_THE_END,))
grpc = partial(GrpcCheck, LOCALHOST, virtual_host=NAME)
secure_grpc = partial(grpc, tls=Tls())
udp = partial(UdpCheck, LOCALHOST, require_reply=True, reply=ReplyPattern(b"well", b"\xff\xff\xff\xff"))

NO_HEAD = "timed out after 1 s waiting for the answer's head"
TOO_LATE = "timed out after 1 s"
"""Where a server answers a part, which may come too late on a busy machine."""
NO_ANSWER = "no answer within 1 s"
CUT = "closed without an answer"
RESET = "connection reset by peer"
NOT_TLS = "TLS: "
BREACH = "HTTP/2: the server breaks the protocol: "

# fmt: off
TABLE: dict[str, tuple[Make, str, dict[str, str]]] = {
    "TCP_CHECK": (partial(TcpCheck, LOCALHOST), "", {
        "full": "timed out after 1 s",
        "closed": "connection refused",
        "HTTP: silence": "connected",
        "HTTP: an endless beginning": "connected",
        "HTTP: an early close": "connected",
    }),
    "HTTP_GET": (web, "HTTP: ", {
        "full": "timed out after 1 s connecting",
        "closed": "connection refused",
        "silence": NO_HEAD,
        "a byte at a time": NO_HEAD,
        "an endless beginning": "the answer's head is longer than 32 KiB",
        "interim answers for ever": "the answer's head is longer than 32 KiB",
        "garbage": "the answer is not HTTP",
        "an early close": CUT,
        "a close in between": "closed within the answer's head",
        "a reset": RESET,
        "an endless page": "status 200",
    }),
    "HTTP_GET with a digest": (web_to_the_end, "HTTP: ", {
        "an endless page": "sent more than 16 MiB",
        "an endless page in chunks": "sent more than 16 MiB",
        "an endless page in tiny chunks": "the page comes in more than 65536 chunks",
        "an endless chunk's head": "the page's chunks are malformed",
        "a page, a byte at a time": TOO_LATE,
    }),
    "HTTP_GET with an expression": (web_searched, "HTTP: ", {
        "an endless page": "the page does not match the expression",
        "a page, a byte at a time": TOO_LATE,
    }),
    "HTTP_GET over HTTP/2": (web2, "HTTP/2: ", {
        "silence": NO_HEAD,
        "a byte at a time": NO_HEAD,
        "an endless beginning": "HTTP/2: more than 2000 frames",
        "an endless head": BREACH,
        "an endless frame": BREACH,
        "garbage": BREACH,
        "an early close": CUT,
        "a close in between": CUT,
        "a reset": RESET,
    }),
    "HTTP_GET over HTTP/2 with a digest": (web2_to_the_end, "HTTP/2: ", {
        "an endless page": "sent more than 16 MiB",
        "a page that never comes": TOO_LATE,
    }),
    "SSL_GET": (secure, "HTTP over TLS: ", {
        "silence": TOO_LATE,
        "a byte at a time": TOO_LATE,
        "an endless beginning": "the answer's head is longer than 32 KiB",
        "interim answers for ever": "the answer's head is longer than 32 KiB",
        "garbage": "the answer is not HTTP",
        "an early close": CUT,
        "a close in between": "closed within the answer's head",
        "a reset": RESET,
    }),
    "SSL_GET with a digest": (secure_to_the_end, "HTTP over TLS: ", {
        "an endless page": "sent more than 16 MiB",
        "an endless page in chunks": "sent more than 16 MiB",
        "an endless page in tiny chunks": "the page comes in more than 65536 chunks",
        "a page, a byte at a time": TOO_LATE,
    }),
    "SSL_GET over HTTP/2": (secure2, "HTTP/2 over TLS: ", {
        "silence": TOO_LATE,
        "a byte at a time": TOO_LATE,
        "an endless beginning": "HTTP/2: more than 2000 frames",
        "an endless head": BREACH,
        "an endless frame": BREACH,
        "garbage": BREACH,
        "an early close": CUT,
        "a reset": RESET,
    }),
    "SSL_GET over HTTP/2 with a digest": (secure2_to_the_end, "HTTP/2 over TLS: ", {
        "an endless page": "sent more than 16 MiB",
        "a page that never comes": TOO_LATE,
    }),
    "GRPC_CHECK": (grpc, "HTTP/2: ", {
        "silence": NO_HEAD,
        "a byte at a time": NO_HEAD,
        "an endless beginning": "HTTP/2: more than 2000 frames",
        "an endless head": BREACH,
        "an endless frame": BREACH,
        "an endless page": "gRPC: the answer is too long",
        "a page that never comes": TOO_LATE,
        "garbage": BREACH,
        "an early close": CUT,
        "a close in between": CUT,
        "a reset": RESET,
    }),
    "GRPC_CHECK over TLS": (secure_grpc, "HTTP/2 over TLS: ", {
        "silence": TOO_LATE,
        "an endless page": "gRPC: the answer is too long",
        "a reset": RESET,
    }),
    "SMTP_CHECK": (partial(SmtpCheck, LOCALHOST), "SMTP: ", {
        "silence": "timed out after 1 s waiting for the greeting",
        "a byte at a time": "timed out after 1 s waiting for the greeting",
        "an endless beginning": "sent a line of more than 4096 octets",
        "garbage": "`",
        "an early close": CUT,
        "a close in between": "closed in the middle of an answer",
        "a reset": RESET,
    }),
    "REDIS_CHECK": (partial(RedisCheck, LOCALHOST), "Redis: ", {
        "silence": "timed out after 1 s waiting for the answer to PING",
        "a byte at a time": "timed out after 1 s waiting for the answer to PING",
        "an endless beginning": "sent a line of more than 4096 octets",
        "garbage": "PING was answered with ",
        "an early close": CUT,
        "a close in between": "closed in the middle of an answer",
        "a reset": RESET,
    }),
    "AGENT_CHECK": (partial(AgentCheck, LOCALHOST), "agent: ", {
        "silence": "timed out after 1 s waiting for the agent's words",
        "a byte at a time": "timed out after 1 s waiting for the agent's words",
        "an endless beginning": "sent a line of more than 4096 octets",
        "garbage": "the agent says ",
        "an early close": CUT,
        "a reset": RESET,
    }),
    "UDP_CHECK": (udp, "UDP: ", {
        "silence": NO_ANSWER,
        "an empty answer": "answered",
        "garbage": "the answer has 300 octets, not 0 to 255",
        "a huge answer": "the answer has 65000 octets, not 0 to 255",
        "an echo": "the answer is not the expected one",
        "a flood": "the answer has 500 octets, not 0 to 255",
    }),
    "DNS_CHECK": (partial(DnsCheck, LOCALHOST), "UDP: ", {
        "silence": NO_ANSWER,
        "an empty answer": NO_ANSWER,
        "garbage": NO_ANSWER,
        "a huge answer": NO_ANSWER,
        "an echo": NO_ANSWER,
        "another question's answer": NO_ANSWER,
        "a flood": NO_ANSWER,
    }),
}
BEFORE_TLS = {
    "silence": "timed out after 1 s agreeing on TLS",
    "a handshake that never ends": "timed out after 1 s agreeing on TLS",
    "an endless handshake": NOT_TLS,
    "an endless change of ciphers": NOT_TLS,
    "garbage": NOT_TLS,
    "an early close": "TLS: the connection was closed",
    "a close in between": "TLS: the connection was closed",
    "a reset": RESET,
}
"""What each check over TLS says of a server that does not come to an agreement."""
CERTIFICATES = {
    "an expired certificate": "TLS: certificate has expired",
    "another name's certificate": f"TLS: Hostname mismatch, certificate is not valid for '{NAME}'",
    "a certificate of a stranger": "TLS: unable to get local issuer certificate",
    "a certificate that ends": "TLS: certificate ends in 5.0 days, at least 14 are wanted",
}
"""What each says of a certificate, where it is to be verified."""
OVER_TLS: dict[str, Callable[..., NetworkCheck]] = {
    "SSL_GET": secure,
    "SSL_GET over HTTP/2": secure2,
    "TLS_CHECK": partial(TlsCheck, LOCALHOST),
    "GRPC_CHECK over TLS": secure_grpc,
}
# fmt: on
UP = ("connected", "status 200", "answered")
"""Reasons of a server that is up: what is hostile of it does not concern this check."""
SCRIPTS = {
    "that says nothing": ("sleep 1000", "no end within 1 s"),
    "that forks and hangs": ("sleep 1000 & (sleep 1000 & wait) & wait", "no end within 1 s"),
    "that ignores SIGTERM": ("trap '' TERM; sleep 1000 & wait; wait; while :; do sleep 1; done", "no end within 1 s"),
    "that stops itself": ("kill -STOP $$", "no end within 1 s"),
    "that writes for ever": ("yes", "no end within 1 s"),
    "that leaves something behind": ("sleep 1000 & exit 3", "exit status 3"),
    "that dies": ("kill -KILL $$", "ended by SIGKILL"),
}


def cases_of_servers(ports: Mapping[str, int], directory: Path) -> Iterator[Case]:
    """What the tables say."""
    for name, (make, prefix, reasons) in TABLE.items():
        for server, reason in reasons.items():
            port = ports[server] if server in ports else ports[prefix + server]
            yield hurried(f"{name}: {server}", make(port), reason)
    verify = Tls(TlsFiles(authorities=str(directory / "authority.pem")), verify=True, certificate_days_min=14)
    for name, make_tls in OVER_TLS.items():
        for server, reason in BEFORE_TLS.items():
            yield hurried(f"{name} before TLS: {server}", make_tls(ports[f"TLS: {server}"]), reason)
        for server, reason in CERTIFICATES.items():
            yield hurried(f"{name}: {server}", make_tls(ports[f"TLS: {server}"], tls=verify, sni=Sni(NAME)), reason)


def hurried(name: str, check: NetworkCheck, reason: str) -> Case:
    """With a short time-out where that is what ends the check, and a long one where something else must."""
    in_time = TIMEOUT_S if f"{TIMEOUT_S:g} s" in reason else PATIENCE_S
    return Case(name, replace(check, pace=PACE, connect_timeout_s=in_time), reason, reason in UP)  # type: ignore[arg-type]


def cases_of_commands(pids: Path) -> Iterator[Case]:
    """Scripts, which write down what they start."""
    for name, (script, reason) in SCRIPTS.items():
        command = ("/bin/sh", "-c", f"echo $$ >> {pids}; " + script.replace("&", f"& echo $! >> {pids};"))
        yield Case(f"MISC_CHECK of a command {name}", MiscCheck(command, TIMEOUT_S, COMMAND_PACE), reason)


def cases_of_files(directory: Path) -> Iterator[Case]:
    """Things that are no files with a number in them."""
    (directory / "sparse").touch()
    os.truncate(directory / "sparse", 2**40)
    (directory / "noise").write_bytes(bytes(range(128, 256)) * 1000)
    (directory / "digits").write_bytes(b"9" * 2**20)
    os.mkfifo(directory / "fifo")
    (directory / "loop").symlink_to(directory / "loop")
    for path, words, success in (
        (directory / "sparse", "{} says 0", True),
        (directory / "noise", "{} says 0", True),
        (directory / "digits", f"{{}} says {2**31}", False),
        (directory / "fifo", "cannot read {}: not a regular file", None),
        (Path("/dev/zero"), "cannot read {}: not a regular file", None),
        (directory, "cannot read {}: not a regular file", None),
        (directory / "loop", "cannot read {}: too many levels of symbolic links", None),
    ):
        check = FileCheck("load", 0, path=str(path), pace=PACE)
        yield Case(f"FILE_CHECK of {path.name}", check, words.format(path), success)


@contextmanager
def hostile_servers(directory: Path) -> Iterator[dict[str, int]]:
    """Their ports by name."""
    command = [sys.executable, "-m", "tests.healthcheck.hostile", str(directory)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


@dataclass(frozen=True)
class Site:
    """Everything hostile and two healthy servers beside it, all checked at once."""

    cases: tuple[Case, ...]
    neighbours: tuple[Check, ...]
    seen: Observation
    pids: tuple[int, ...]
    """Of processes that commands started."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    directory = tmp_path_factory.mktemp("hostile")
    pids = directory / "pids"
    with hostile_servers(directory) as ports:
        cases = (*cases_of_servers(ports, directory), *cases_of_commands(pids), *cases_of_files(directory))
        good = ports["good"]
        neighbours = (
            TcpCheck(LOCALHOST, good, PACE, PATIENCE_S),
            HttpCheck(LOCALHOST, good, PACE, PATIENCE_S, urls=(PLAIN,)),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(misc, "TERM_GRACE_S", TERM_GRACE_S)
            seen = asyncio.run(observe(cases, neighbours))
    return Site(cases, neighbours, seen, tuple(map(int, pids.read_text().split())))


async def test_every_kind_of_check_meets_something_hostile(site: Site) -> None:
    known = probers()
    for prober in set(known.values()):
        prober.close()
    assert {type(case.check) for case in site.cases} | {PingCheck} == known.keys()
    assert len({case.check for case in site.cases}) == len(site.cases), "each is probed by itself"


def test_each_has_its_verdict_and_a_reason_in_words(site: Site) -> None:
    assert differing(site.cases, site.seen) == {}


def test_each_has_it_in_time(site: Site) -> None:
    assert late(site.cases, site.seen) == {}


def test_what_is_hostile_makes_nothing_flap_and_takes_nobody_along(site: Site) -> None:
    verdicts = {check: [change.up for change in changes] for check, changes in site.seen.changes.items()}
    told = {case.check: [case.success] for case in site.cases if case.success is not None}
    assert verdicts == told | {check: [True] for check in site.neighbours}


def test_memory_is_bounded(site: Site) -> None:
    assert site.seen.memory_kib < MEMORY_KIB_MAX


def test_nothing_that_a_command_started_is_left(site: Site) -> None:
    assert len(site.pids) >= ROUNDS * len(SCRIPTS)
    assert_none_lives(list(site.pids))
