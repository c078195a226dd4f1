"""What decides who is master: part of `vrrp_instance`."""

from __future__ import annotations

from vrrpd.config.declaration import alias, ignored, later, line, named, optional, refused
from vrrpd.config.keywords.arguments import BOOL, OCTETS, PRIORITY
from vrrpd.config.values import Choice, Integer, InterfaceName, Seconds

TIMER_EXPIRED_BACKUP = line(
    "timer_expired_backup",
    "A master that was held up too long steps down at once.",
    optional(Integer(1, 254), "PRIORITY"),
    default="off; 254 without a number",
    since="2.2.8",
    details="""
        When the process finds itself late, and its last advert is older than a backup of this priority would wait, it takes
        it that there is another master by now, and goes to BACKUP without a further advert. Needs `nopreempt`; without that
        it is cleared with a message.
    """,
    see=("nopreempt", "max_auto_priority"),
)

ELECTION = (
    line(
        "state",
        "The state that the operator has in mind for this router.",
        Choice(("MASTER", "BACKUP")),
        default="BACKUP",
        details="""
            No router starts as master because of this word: like any other it listens for the master down interval first,
            unless it owns the addresses (priority 255).

            MASTER has two other consequences. Without a `priority` the router gets 255 and so becomes the owner. And
            `nopreempt` and `preempt_delay` are cleared with a message, for they contradict it. A second `state BACKUP`
            behind `state MASTER` changes nothing.
        """,
        see=("priority", "nopreempt"),
    ),
    line(
        "interface",
        "The interface on which the virtual router lives.",
        InterfaceName(),
        details="""
            Must be given. Adverts are sent and heard there, and addresses go there that name no interface of their own.
            While it is down the virtual router is in FAULT. The loopback interface will not do.
        """,
        see=("track_interface", "dont_track_primary", "use_vmac"),
    ),
    line(
        "virtual_router_id",
        "Number of the virtual router, the same on all routers that share it.",
        named("VRID", Integer(1, 255)),
        details="""
            Must be given. No two virtual routers of one family may have the same number on one network, whoever runs them;
            number and family make the virtual MAC address.
        """,
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 51
                virtual_ipaddress {
                    192.0.2.10/24
                }
            }
        """,
        see=("interface", "use_vmac"),
    ),
    line(
        "version",
        "Version of VRRP: 2 (RFC 3768) or 3 (RFC 5798).",
        Integer(2, 3),
        default="vrrp_version, 2 without it; 3 for IPv6",
        since="1.2.17",
        details="""
            All routers of a virtual router must speak the same version; adverts of the other one are dropped. Version 2
            knows IPv4 only, whole seconds and passwords; version 3 knows both families, hundredths of a second and no
            passwords.
        """,
        see=("vrrp_version", "advert_int", "authentication"),
    ),
    line(
        "native_ipv6",
        "The virtual router is one of IPv6, and so of version 3.",
        since="1.2.1",
        family="IPv6",
        details="Needed only where no address tells the family.",
    ),
    line(
        "priority",
        "Who is to be master: of all routers the one with the highest priority.",
        PRIORITY,
        default="100",
        details="""
            255 says that this router owns the addresses: it becomes master at once, always preempts, and nothing that is
            tracked ever lowers its priority. All others move between 1 and 254 as trackers add and take away their weights.

            Of two masters with the same priority the one with the higher source address stays. With `state MASTER` and no
            priority the default is 255.
        """,
        example="""
            vrrp_instance VI_1 {
                priority 150          # the other router has 100
            }
        """,
        see=("state", "nopreempt", "track_script"),
    ),
    line(
        "advert_int",
        "Time from one advert of the master to the next.",
        Seconds(0.01, 255),
        default="1",
        unit="s",
        details="""
            The interval decides how soon a dead master is noticed: a backup waits for three of them (see
            `down_timer_adverts`) and a little more, the less the higher its priority. With 1 second that is between three
            and four seconds; with 0.1 about 0.4.

            Version 2 sends whole seconds. A fraction is rounded, to 1 at least, with a warning. Every router must have the
            same interval, for an advert with another one is dropped, and both sides end up as master.

            Version 3 sends hundredths of a second, up to 40.95 s; more is cut to that, and a finer value is rounded, each
            with a warning. A backup takes over the interval of the master it hears, so a difference does not part them; but
            keep the values equal all the same, for after a takeover the new master's own one holds.
        """,
        example="""
            vrrp_instance VI_1 {
                version 3
                advert_int 0.2        # a dead master is replaced within 0.8 s
            }
        """,
        see=("version", "down_timer_adverts", "priority", "preempt_delay"),
    ),
    line(
        "preempt",
        "Take over from a master of lower priority. This is the default.",
        details="The word is there to be written beside the others; it does not undo a `nopreempt`.",
        see=("nopreempt", "preempt_delay"),
    ),
    line(
        "nopreempt",
        "Leave a master of lower priority alone as long as it lives.",
        since="1.1.8",
        details="""
            Spares the second switch when the better router comes back. It holds against every advert, so a master whose
            priority sinks because a script fails stays master too; only one that falls silent, or gives up, is replaced.

            Cleared with a message where `state MASTER` or priority 255 says the contrary. Takes no word: `nopreempt off`
            switches it on.
        """,
        example="""
            vrrp_instance VI_1 {
                state BACKUP          # on both routers
                nopreempt
            }
        """,
        see=("state", "priority", "preempt_delay"),
    ),
    line(
        "preempt_delay",
        "How long a better router watches a lesser master before it takes over.",
        Seconds(0, 1000),
        default="0",
        unit="s",
        since="1.1.8",
        details="""
            Gives a router that has just booted time to get its routes, its sessions and its servers. The first advert of
            the lesser master starts the time. It holds after a start too, but not when no master is heard at all. Cleared
            with a message together with `nopreempt`, `state MASTER` or strict mode.
        """,
        see=("nopreempt", "vrrp_startup_delay"),
    ),
    line(
        "owner_ignore_adverts",
        "A router of priority 255 ignores the adverts of others.",
        BOOL,
        default="vrrp_owner_ignore_adverts",
        since="2.3.3",
        details="keepalived takes `off` on such a router for on.",
    ),
    line(
        "strict_mode",
        "Keep to the letter of the RFC.",
        BOOL,
        default="vrrp_strict",
        since="1.2.20",
        details="""
            There must be addresses, the first of IPv6 a link-local one; authentication and unicast peers are refused;
            `preempt_delay`, `down_timer_adverts`, `vmac_xmit_base`, `no_virtual_ipaddress` and MAC addresses of one's own
            are reset; only an owner accepts packets to the virtual addresses (not built yet, as `no_accept`); adverts of lower
            priority are not answered.
        """,
        see=("vrrp_strict", "no_accept"),
    ),
    line(
        "down_timer_adverts",
        "How many adverts a backup misses before it holds the master for dead.",
        named("ADVERTS", Integer(1, 100)),
        default="vrrp_down_timer_adverts, else 3",
        since="2.2.3",
        details="The RFC says 3, and strict mode goes back to that. More makes a lossy network quieter and a takeover later.",
        see=("advert_int",),
    ),
    TIMER_EXPIRED_BACKUP,
    alias("thread_timer_expired", TIMER_EXPIRED_BACKUP, since="2.3.2", deprecated=True),
    line(
        "skip_check_adv_addr",
        "Compare the addresses in a known master's adverts with ours no more.",
        BOOL,
        default="vrrp_skip_check_adv_addr",
        since="1.2.20",
        details="A difference is only logged in any case. keepalived takes `off` here for on.",
    ),
    ignored("debug", "Once a level of debugging; ignored.", named("LEVEL", Integer(0, 4)), default="0"),
    line(
        "dont_track_primary",
        "No FAULT while the virtual router's own interface is down.",
        since="1.1.8",
        details="For two routers joined by a cable that ends when the other one does.",
        see=("interface", "track_interface"),
    ),
    refused("vrf", "The routing domain (VRF) that the sockets belong to.", InterfaceName(), default="none", since="2.2.5"),
    line(
        "kernel_rx_buf_size",
        "Receive buffer of this virtual router's socket.",
        OCTETS,
        default="as vrrp_rx_bufs_policy says",
        since="2.0.3",
        unit="octets",
    ),
    later(
        "linkbeat_use_polling",
        "Poll the interface's link instead of listening for changes.",
        since="2.0.0",
        deprecated=True,
        see=("linkbeat_interfaces",),
    ),
)
