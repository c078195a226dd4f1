"""A prober for each kind of check, as :class:`healthcheck.scheduler.Scheduler` takes them."""

from __future__ import annotations

from healthcheck import connection, misc
from healthcheck.agent import probe_agent
from healthcheck.datagram import DatagramEngine
from healthcheck.dns import dns_question
from healthcheck.file import FileReader
from healthcheck.misc import COMMANDS_IN_FLIGHT_MAX, CommandRunner
from healthcheck.ping import ping_question
from healthcheck.redis import probe_redis
from healthcheck.scheduler import Prober
from healthcheck.tasks import TaskProber
from healthcheck.tcp import TcpEngine
from healthcheck.types import AgentCheck, DnsCheck, FileCheck, MiscCheck, PingCheck, RedisCheck, TcpCheck, UdpCheck
from healthcheck.udp import udp_question


def probers() -> dict[type, Prober]:
    """All of them, to be closed by the scheduler; for use on the event loop that runs now."""
    return {
        TcpCheck: TcpEngine(),
        DnsCheck: DatagramEngine(dns_question),
        UdpCheck: DatagramEngine(udp_question),
        PingCheck: DatagramEngine(ping_question),
        MiscCheck: TaskProber(CommandRunner().probe, misc.longest_s, in_flight_max=COMMANDS_IN_FLIGHT_MAX),
        FileCheck: FileReader(),
        RedisCheck: TaskProber(probe_redis, connection.longest_s),
        AgentCheck: TaskProber(probe_agent, connection.longest_s),
    }
