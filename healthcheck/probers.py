"""A prober for each kind of check, as :class:`healthcheck.scheduler.Scheduler` takes them."""

from __future__ import annotations

from healthcheck import connection, misc
from healthcheck.agent import probe_agent
from healthcheck.datagram import DatagramEngine, Question
from healthcheck.file import FileReader
from healthcheck.misc import COMMANDS_IN_FLIGHT_MAX, CommandRunner
from healthcheck.ping import ping_question
from healthcheck.redis import probe_redis
from healthcheck.scheduler import Prober
from healthcheck.smtp import probe_smtp
from healthcheck.tasks import TaskProber
from healthcheck.tcp import TcpEngine
from healthcheck.tls import probe_tls
from healthcheck.types import (
    AgentCheck,
    DnsCheck,
    FileCheck,
    GrpcCheck,
    HttpCheck,
    MiscCheck,
    NotProbed,
    Outcome,
    PingCheck,
    RedisCheck,
    Round,
    SmtpCheck,
    SslCheck,
    TcpCheck,
    TlsCheck,
    UdpCheck,
)
from healthcheck.udp import udp_question
from healthcheck.web import probe_web


def probers() -> dict[type, Prober]:
    """All of them, to be closed by the scheduler; for use on the event loop that runs now."""
    web: Prober = TaskProber(probe_web, connection.longest_s)
    return {
        TcpCheck: TcpEngine(),
        HttpCheck: web,
        SslCheck: web,
        TlsCheck: TaskProber(probe_tls, connection.longest_s),
        GrpcCheck: TaskProber(_probe_grpc, connection.longest_s),
        SmtpCheck: TaskProber(probe_smtp, connection.longest_s),
        DnsCheck: DatagramEngine(_dns_question),
        UdpCheck: DatagramEngine(udp_question),
        PingCheck: DatagramEngine(ping_question),
        MiscCheck: TaskProber(CommandRunner().probe, misc.longest_s, in_flight_max=COMMANDS_IN_FLIGHT_MAX),
        FileCheck: FileReader(),
        RedisCheck: TaskProber(probe_redis, connection.longest_s),
        AgentCheck: TaskProber(probe_agent, connection.longest_s),
    }


def _dns_question(check: DnsCheck) -> Question | NotProbed:
    from healthcheck.dns import dns_question  # noqa: PLC0415  its library takes 80 ms, and every start would wait for it

    return dns_question(check)


async def _probe_grpc(check: GrpcCheck, round_: Round) -> Outcome:
    from healthcheck.grpc import probe_grpc  # noqa: PLC0415  its library takes 17 ms and 1.6 MiB, and few need it

    return await probe_grpc(check, round_)
