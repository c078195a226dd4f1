"""Every setting of the daemon as a whole: a table for each group, and all of them at once."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from tests.config.reading import Reader
from vrrpd.config.model import (
    AutoPriority,
    Command,
    Daemon,
    DBus,
    Fifo,
    Fifos,
    Files,
    Firewall,
    FlushOnStop,
    IncludeClass,
    IpsetNames,
    Iptables,
    Lvs,
    Mail,
    Names,
    Namespaces,
    Nftables,
    NftablesIpvs,
    ReceiveBuffer,
    ReceiveBufferPolicy,
    ReceiveBuffers,
    Reload,
    Scheduling,
    Scripts,
    Snmp,
    SyncDaemon,
    Vrrp,
)


def daemon_of(reader: Reader, settings: str, *messages: str, outside: str = "") -> Daemon:
    """The daemon with these `global_defs`, the first of which stands in line 2, column 2."""
    return reader.written(f"global_defs {{\n {settings}\n}}\n{outside}\n", *messages).daemon


EVERYTHING = """\
global_defs {
    router_id lb1
    notification_email {
        admin@example.com
        On Call <oncall@example.com>
    }
    notification_email_from lb1@example.com
    smtp_server 192.0.2.25 587
    smtp_helo_name lb1.example.com
    smtp_connect_timeout 10
    no_email_faults
    no_checker_emails
    process_names
    process_name lb
    checker_process_name lb_checks
    script_user nobody nogroup
    enable_script_security
    use_symlink_paths
    set_supplementary_groups yes
    startup_script "/usr/local/bin/prepare 'all of it'"
    startup_script_timeout 20
    shutdown_script /usr/local/bin/tidy root
    shutdown_script_timeout 30
    umask 027
    random_seed 7
    default_interface eth1
    dynamic_interfaces allow_if_changes
    vrrp_garp_interval 0.001
    vrrp_gna_interval 0.000001
    vrrp_startup_delay 2.5
    vrrp_delay_after_boot 60
    log_unknown_vrids
    disable_local_igmp
    vmac_prefix vr
    vmac_addr_prefix va
    vrrp_rx_bufs_policy advert
    vrrp_rx_bufs_multiplier 4
    vrrp_iptables IN OUT
    vrrp_ipsets v4 v6
    nftables ha
    nftables_priority -5
    nftables_ifindex
    nftables_counters
    nftables_ipvs
    nftables_ipvs_start_fwmark 2000
    lvs_timeouts tcp 7200 udp 30 tcpfin 0
    lvs_flush
    lvs_flush_on_stop VS
    lvs_sync_daemon eth2 inst VI_1 id 11 maxlen 1400 port 8848 ttl 2 group 224.0.0.81
    rs_init_notifies
    vrrp_priority -10
    vrrp_rt_priority 50
    vrrp_no_swap
    vrrp_cpu_affinity 3 1 3
    vrrp_rlimit_rttime 20000
    checker_priority 5
    checker_cpu_affinity 0
    bfd_priority -20
    bfd_rlimit_rttime 1
    max_auto_priority
    min_auto_priority_delay 500000
    notify_fifo /run/all me us
    notify_fifo_script "/usr/local/bin/reader -v"
    vrrp_notify_fifo /run/vrrp
    lvs_notify_fifo /run/lvs me
    fifo_write_vrrp_states_on_reload
    vrrp_netlink_cmd_rcv_bufs 1000
    vrrp_netlink_cmd_rcv_bufs_force
    vrrp_netlink_monitor_rcv_bufs 2000
    lvs_netlink_cmd_rcv_bufs 3000
    lvs_netlink_monitor_rcv_bufs_force on
    process_monitor_rcv_bufs 4000
    snmp_socket udp:localhost:705
    enable_traps
    enable_snmp_vrrp
    enable_snmp_checker
    enable_snmp_rfc
    snmp_vs_stats_update_interval 2
    enable_dbus
    dbus_service_name org.example.Vrrp1
    dbus_no_interface_name nothing
    reload_check_config /var/log/check.log
    reload_time_file /run/reload-at
    reload_repeat
    reload_file
    include_check match +brace_match
    config_save_dir /var/lib/saved
    tmp_config_directory /var/tmp/flat
    data_use_instance
    json_version 2
    state_dump_file /var/tmp/state
    stats_dump_file /var/tmp/stats
    json_dump_file /var/tmp/json
    iproute_usr_dir /usr/lib/iproute2
    iproute_etc_dir /etc/ip
}
net_namespace red
net_namespace_ipvs blue
namespace_with_ipsets
linkbeat_use_polling
instance first
instance second
child_wait_time 9
"""

EVERYTHING_READ = Daemon(
    router_id="lb1",
    mail=Mail(
        recipients=("admin@example.com", "On Call <oncall@example.com>"),
        sender="lb1@example.com",
        server="192.0.2.25",
        port=587,
        helo_name="lb1.example.com",
        connect_timeout_s=10.0,
        of_faults=False,
    ),
    router_scheduling=Scheduling(-10, 50, lock_memory=True, cpu_affinity=(1, 3), real_time_limit_us=20_000),
    director_scheduling=Scheduling(nice=5, cpu_affinity=(0,)),
    bfd_scheduling=Scheduling(nice=-20, real_time_limit_us=2),
    auto_priority=AutoPriority(99, 500_000),
    names=Names("first", supervisor="lb", router="keepalived_vrrp", director="lb_checks", bfd="keepalived_bfd"),
    namespaces=Namespaces("red", "blue", ipsets=True),
    scripts=Scripts(
        user="nobody",
        group="nogroup",
        security=True,
        use_symlink_paths=True,
        supplementary_groups=True,
        startup=Command(("/usr/local/bin/prepare", "all of it"), "nobody", "nogroup"),
        startup_timeout_s=20,
        shutdown=Command(("/usr/local/bin/tidy",), "root"),
        shutdown_timeout_s=30,
    ),
    vrrp=Vrrp(
        default_interface="eth1",
        dynamic_interfaces=True,
        interfaces_may_change=True,
        garp_interval_s=0.001,
        gna_interval_s=0.000001,
        startup_delay_s=2.5,
        delay_after_boot_s=60.0,
        log_unknown_vrids=True,
        disable_local_igmp=True,
        vmac_prefix="vr",
        vmac_address_prefix="va",
        receive_buffer_policy=ReceiveBufferPolicy.ADVERT,
        receive_buffer_multiplier=4,
        poll_links=True,
    ),
    firewall=Firewall(
        iptables=Iptables("IN", "OUT"),
        ipsets=IpsetNames("v4", "v6"),
        nftables=Nftables("ha", -5, match_interface_index=True, counters=True),
        nftables_ipvs=NftablesIpvs(first_mark=2000),
    ),
    lvs=Lvs(
        tcp_timeout_s=7200,
        udp_timeout_s=30,
        flush=True,
        flush_on_stop=FlushOnStop.VIRTUAL_SERVERS,
        sync_daemon=SyncDaemon("eth2", "VI_1", 11, 1400, 8848, 2, IPv4Address("224.0.0.81")),
    ),
    receive_buffers=ReceiveBuffers(
        router_commands=ReceiveBuffer(1000, force=True),
        router_monitor=ReceiveBuffer(2000),
        director_commands=ReceiveBuffer(3000),
        director_monitor=ReceiveBuffer(None, force=True),
        process_monitor=ReceiveBuffer(4000),
    ),
    fifos=Fifos(
        all=Fifo("/run/all", "me", "us", Command(("/usr/local/bin/reader", "-v"), "nobody", "nogroup")),
        vrrp=Fifo("/run/vrrp", "nobody", "nogroup"),
        lvs=Fifo("/run/lvs", "me"),
        write_states_on_reload=True,
    ),
    snmp=Snmp(
        socket="udp:localhost:705",
        traps=True,
        vrrp=True,
        checker=True,
        rfc_v2=True,
        rfc_v3=True,
        virtual_server_interval_s=2.0,
        real_server_interval_s=2.0,
    ),
    dbus=DBus(enabled=True, service_name="org.example.Vrrp1", no_interface_name="nothing"),
    reload=Reload(
        check_log="/var/log/check.log",
        time_file="/run/reload-at",
        repeat=True,
        marker_file="/run/keepalived.reload",
        include_errors=(IncludeClass.READ, IncludeClass.MATCH, IncludeClass.BRACE_MATCH),
    ),
    files=Files(
        umask=0o027,
        use_pid_directory=True,
        save_directory="/var/lib/saved",
        temporary_directory="/var/tmp/flat",  # noqa: S108  only a name
        dump_names_have_instance=True,
        json_version=2,
        state_dump="/var/tmp/state",  # noqa: S108
        stats_dump="/var/tmp/stats",  # noqa: S108
        json_dump="/var/tmp/json",  # noqa: S108
        iproute_usr_directory="/usr/lib/iproute2",
        iproute_etc_directory="/etc/ip",
    ),
    random_seed=7,
    child_wait_time_s=9,
)


def test_everything_at_once(reader: Reader) -> None:
    loaded = reader.load(EVERYTHING)
    assert loaded.written is not None
    assert loaded.written.daemon == EVERYTHING_READ
    assert {one.code.value for one in loaded.diagnostics} <= {"no-effect", "not-built", "setting-ignored"}


def test_nothing_at_all(reader: Reader) -> None:
    assert daemon_of(reader, "router_id lb1") == Daemon("lb1")


@pytest.mark.parametrize(
    ("settings", "iptables", "ipsets"),
    [
        ("vrrp_iptables", Iptables("INPUT", "OUTPUT"), IpsetNames()),
        ("vrrp_iptables IN", Iptables("IN", None), IpsetNames()),
        ("vrrp_ipsets", None, None),
        ("vrrp_ipsets a b c d e f", None, IpsetNames("a", "b", "c", "d", "e", "f")),
        ("nftables", None, IpsetNames()),
    ],
)
def test_packet_filter(reader: Reader, settings: str, iptables: Iptables | None, ipsets: IpsetNames | None) -> None:
    firewall = daemon_of(reader, settings).firewall
    assert (firewall.iptables, firewall.ipsets) == (iptables, ipsets)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("vrrp_iptables A A", "2:16 bad-value"),
        ("vrrp_iptables " + "A" * 28, "2:16 bad-value"),
        ("vrrp_iptables A B C", "2:20 surplus-words"),
        ("vrrp_ipsets a a", "2:14 bad-value"),
        ("vrrp_ipsets keepalived6", "2:14 bad-value"),
        ("vrrp_ipsets a b c d e f g", "2:26 surplus-words"),
        ("lvs_timeouts tcp", "2:15 bad-value"),
        ("lvs_timeouts tcp 2678401", "2:19 bad-value"),
        ("lvs_timeouts tcp 1 upd 2", "2:21 unknown-option"),
        ("lvs_sync_daemon eth0 VI_1 51", "2:28 bad-value"),
        ("lvs_sync_daemon eth0 VI_1 id 256", "2:31 bad-value"),
        ("lvs_sync_daemon eth0 VI_1 group 192.0.2.1", "2:34 bad-value"),
        ("lvs_sync_daemon eth0 VI_1 size 9", "2:28 unknown-option"),
        ("lvs_sync_daemon an_interface_too_long", "2:18 bad-value"),
        ("vrrp_rx_bufs_policy MTUS", "2:22 bad-value"),
        ("vrrp_rx_bufs_policy 0", "2:22 bad-value"),
        ("vrrp_rx_bufs_policy MTU\n vrrp_rx_bufs_policy 5000", "3:22 conflict"),
        ("vrrp_cpu_affinity 0 5000", "2:22 bad-value"),
        ("umask 888", "2:8 bad-value"),
        ("umask 1000", "2:8 bad-value"),
        ("umask IRGPR", "2:8 bad-value"),
        ("include_check everything", "2:16 bad-value"),
        ("include_check read match", "2:21 bad-value"),
        ("vrrp_process_name a_name_with_more_than_15", "2:20 reduced"),
        ("notify_fifo_script /bin/cat", "2:2 conflict"),
        ("notification_email {\n }", "2:2 missing-setting"),
        ("startup_script /bin/a\n startup_script /bin/b", "3:2 duplicate"),
    ],
)
def test_what_is_wrong_is_one_message(reader: Reader, settings: str, message: str) -> None:
    daemon_of(reader, settings, message)


@pytest.mark.parametrize(
    ("words", "daemon"),
    [
        ("eth0", SyncDaemon("eth0")),
        ("eth0 VI_1", SyncDaemon("eth0", "VI_1")),
        ("eth0 inst id id 5", SyncDaemon("eth0", "id", 5)),
        ("eth0 id 0", SyncDaemon("eth0", None, 0)),
        ("eth0 VI_1 ttl 3 port 9", SyncDaemon("eth0", "VI_1", port=9, ttl=3)),
    ],
)
def test_synchronisation_of_connections(reader: Reader, words: str, daemon: SyncDaemon) -> None:
    assert daemon_of(reader, f"lvs_sync_daemon {words}").lvs.sync_daemon == daemon


@pytest.mark.parametrize(
    ("words", "what"),
    [("", FlushOnStop.EVERYTHING), ("VS", FlushOnStop.VIRTUAL_SERVERS)],
)
def test_what_is_flushed_at_the_end(reader: Reader, words: str, what: FlushOnStop) -> None:
    assert daemon_of(reader, f"lvs_flush_on_stop {words}").lvs.flush_on_stop is what


@pytest.mark.parametrize(
    ("text", "umask"),
    [("0", 0), ("022", 0o022), ("IRUSR", 0o400), ("IWGRP|IWOTH", 0o022), ("IRWXG | IROTH | IXOTH", 0o075), ("888", 0o177)],
)
def test_umask(reader: Reader, text: str, umask: int) -> None:
    loaded = reader.load(f"global_defs {{\n umask {text}\n}}\n")
    assert loaded.written is not None
    assert loaded.written.daemon.files.umask == umask


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        ("", "read match wildcard_match brace_match"),
        ("match", "read match"),
        ("+match", "match"),
        ("read +wildcard_match -read", "wildcard_match"),
        ("-read", ""),
    ],
)
def test_which_failures_of_includes_are_errors(reader: Reader, words: str, classes: str) -> None:
    found = daemon_of(reader, f"include_check {words}").reload.include_errors
    assert " ".join(one.value for one in found) == classes


@pytest.mark.parametrize(
    ("settings", "policy", "octets"),
    [
        ("vrrp_rx_bufs_policy mtu", ReceiveBufferPolicy.MTU, None),
        ("vrrp_rx_bufs_policy ADVERT\n vrrp_rx_bufs_policy MTU", ReceiveBufferPolicy.MTU, None),
        ("vrrp_rx_bufs_policy 5000", None, 5000),
    ],
)
def test_receive_buffers(reader: Reader, settings: str, policy: ReceiveBufferPolicy | None, octets: int | None) -> None:
    vrrp = daemon_of(reader, settings).vrrp
    assert (vrrp.receive_buffer_policy, vrrp.receive_buffer_octets) == (policy, octets)


def test_a_namespace_holds_ipvs_too_unless_that_has_its_own(reader: Reader) -> None:
    assert daemon_of(reader, "", outside="net_namespace red").namespaces == Namespaces("red", "red")


def test_names_of_processes_are_cut_to_what_the_kernel_keeps(reader: Reader) -> None:
    assert daemon_of(reader, "process_name a_name_with_more_than_15", "2:15 reduced").names.supervisor == "a_name_with_mor"


def test_old_names_mean_the_same(reader: Reader) -> None:
    loaded = reader.load(
        "global_defs {\n lvs_process_name a\n lvs_flush_onstop\n vrrp_rlimit_rtime 5\n enable_snmp_keepalived\n}\n"
    )
    assert loaded.written is not None
    daemon = loaded.written.daemon
    assert (daemon.names.director, daemon.lvs.flush_on_stop) == ("a", FlushOnStop.EVERYTHING)
    assert (daemon.router_scheduling.real_time_limit_us, daemon.snmp.vrrp) == (5, True)
