"""Virtual routers: `vrrp_instance` and `vrrp_sync_group`."""

from __future__ import annotations

from dataclasses import replace

from vrrpd.config.declaration import COMMAND, Effect, Entries, block, ignored, later, line, values
from vrrpd.config.keywords.adverts import ANNOUNCEMENTS, AUTH_HMAC, AUTHENTICATION, WIRE
from vrrpd.config.keywords.arguments import BOOL, NAME
from vrrpd.config.keywords.election import ELECTION
from vrrpd.config.keywords.entries import ADDRESSES, ROUTES, RULES, tracked
from vrrpd.config.values import InterfaceName

GOODS = (
    values(
        "virtual_ipaddress",
        "The addresses that the master holds, and names in its adverts.",
        entries=ADDRESSES,
        details="""
            The first one decides the virtual router's family; one of the other family is an error here, and belongs into
            `virtual_ipaddress_excluded`. Routers that list other addresses are warned of and heard all the same. Without a
            prefix length an address stands alone: 32 or 128.

            Version 3 needs at least one, unless `no_virtual_ipaddress` is set; version 2 warns.
        """,
        example="""
            virtual_ipaddress {
                192.0.2.10/24 dev eth0 label eth0:vip
                192.0.2.11/24
            }
        """,
        see=("virtual_ipaddress_excluded", "no_virtual_ipaddress", "no_accept"),
    ),
    values(
        "virtual_ipaddress_excluded",
        "Further addresses that the master holds, not named in adverts.",
        entries=ADDRESSES,
        details="For more addresses than an advert can carry, and for those of the other family.",
        see=("virtual_ipaddress",),
    ),
    line("no_virtual_ipaddress", "There need be no addresses: election is all that is wanted.", since="2.2.8"),
    values(
        "virtual_routes",
        "Routes that the master holds.",
        effect=Effect.NONE,
        entries=ROUTES,
        example="""
            virtual_routes {
                198.51.100.0/24 via 192.0.2.254 dev eth0
            }
        """,
        see=("virtual_rules", "static_routes"),
    ),
    values(
        "virtual_rules",
        "Routing rules that the master holds.",
        since="1.2.20",
        effect=Effect.NONE,
        entries=RULES,
        example="""
            virtual_rules {
                from 192.0.2.0/24 table 100 preference 1000
            }
        """,
        see=("virtual_routes", "static_rules"),
    ),
    line("accept", "The master accepts packets to the virtual addresses. This is the default.", since="1.2.17"),
    later(
        "no_accept",
        "Drop packets to the virtual addresses, unless this router owns them.",
        since="1.3.0",
        details="What the RFC asks of a router that does not own the addresses. Neighbour discovery still works.",
        see=("nftables", "strict_mode"),
    ),
)

TRACKING = (
    values(
        "track_interface",
        "Interfaces whose state counts.",
        entries=tracked("INTERFACE", 253, noreverse=False),
        details="The virtual router's own interface is tracked already, and naming it is an error.",
        example="""
            track_interface {
                eth1
                eth2 weight -20
            }
        """,
        see=("dont_track_primary", "priority"),
    ),
    values(
        "track_script",
        "Scripts whose result counts.",
        since="1.1.13",
        effect=Effect.NONE,
        entries=tracked("SCRIPT", 253),
        details="Each must be defined further up. Until a script of weight 0 has succeeded, the virtual router waits.",
        example="""
            track_script {
                check_web weight -30
            }
        """,
        see=("vrrp_script", "priority"),
    ),
    values(
        "track_file",
        "Files whose number is added to the priority.",
        since="2.0.0",
        effect=Effect.NONE,
        entries=tracked("FILE", 254),
        details="""
            The number in the file is multiplied by the weight. -254 or less means FAULT; with weight 0, any number but 0
            does.
        """,
        see=("vrrp_track_file",),
    ),
    values(
        "track_process",
        "Processes that must run.",
        since="2.0.11",
        effect=Effect.NONE,
        entries=tracked("PROCESS", 254),
        see=("vrrp_track_process",),
    ),
    values(
        "track_bfd",
        "BFD sessions that must be up.",
        since="2.0.0",
        effect=Effect.NONE,
        entries=tracked("SESSION", 253),
        see=("bfd_instance",),
    ),
)

NOTIFICATION = (
    later("notify_master", "Command to run on becoming master.", COMMAND, see=("notify",)),
    later("notify_backup", "Command to run on becoming backup.", COMMAND, see=("notify",)),
    later("notify_fault", "Command to run on entering FAULT.", COMMAND, see=("notify",)),
    later("notify_stop", "Command to run when the daemon ends.", COMMAND, since="1.1.13", see=("notify",)),
    later(
        "notify",
        "Command to run at every transition.",
        COMMAND,
        since="1.1.2",
        details="""
            It gets four more arguments: INSTANCE or GROUP, the name, the new state (MASTER, BACKUP, FAULT, STOP) and the
            priority, which is 0 for a group. Commands of one transition run side by side.

            A command with arguments stands in quotes; words behind the quotes are the user and group that run it. No shell
            is involved. If the keyword is there twice, the first one holds.
        """,
        example='notify "/usr/local/bin/tell --mail" tell',
        see=("notify_master", "notify_fifo", "script_user"),
    ),
)
INSTANCE_NOTIFICATION = (
    *NOTIFICATION,
    later(
        "notify_deleted",
        "A virtual router that a reload removes reports DELETED.",
        since="2.1.0",
        details="Without this word it reports FAULT. It takes no command; it changes what `notify` and the FIFOs are told.",
    ),
    later(
        "notify_master_rx_lower_pri",
        "Command to run when this master hears a lesser one.",
        COMMAND,
        since="2.0.6",
        see=("lower_prio_no_advert",),
    ),
    line("smtp_alert", "Send mail at each transition.", BOOL, default="smtp_alert_vrrp", see=("smtp_server",)),
    later(
        "notify_priority_changes",
        "Report changes of priority too, to the FIFOs.",
        BOOL,
        default="vrrp_notify_priority_changes",
        since="2.0.16",
    ),
    later(
        "lvs_sync_daemon_interface",
        "Interface for the synchronisation of IPVS connections.",
        InterfaceName(),
        deprecated=True,
        see=("lvs_sync_daemon",),
    ),
)

VRRP_INSTANCE = block(
    "vrrp_instance",
    "A virtual router: addresses that one of several routers holds.",
    NAME,
    *ELECTION, *WIRE, *GOODS, *TRACKING, *ANNOUNCEMENTS, *INSTANCE_NOTIFICATION, AUTHENTICATION, AUTH_HMAC,
    details="""
        The name is ours alone and shows in logs, mail and status; the other routers know the virtual router by its number.
        What `global_defs` says about virtual routers must stand further up.
    """,
    example="""
        vrrp_instance VI_1 {
            interface eth0
            virtual_router_id 51
            priority 150
            virtual_ipaddress {
                192.0.2.10/24
            }
        }
    """,
    see=("vrrp_sync_group", "global_defs"),
)  # fmt: skip

VRRP_SYNC_GROUP = block(
    "vrrp_sync_group",
    "Virtual routers that change state together.",
    NAME,
    values(
        "group",
        "The virtual routers.",
        entries=Entries("INSTANCE"),
        details="""
            They may be defined further down. One that does not exist is an error, as is one in two groups; so is a group of
            one, which works all the same.
        """,
    ),
    *(replace(one, since="2.0.0") if one.since.startswith("1.") else one for one in TRACKING),
    *NOTIFICATION,
    line("smtp_alert", "Send mail at each transition of the group.", BOOL, default="smtp_alert_vrrp"),
    line(
        "sync_group_tracking_weight",
        "Members may be tracked with weights.",
        since="2.0.0",
        details="Without this word a weight on a member counts as 0: the tracker takes the whole group to FAULT.",
    ),
    ignored(
        "global_tracking",
        "Once made trackers hold for all members, which they do anyway.",
        since="1.2.3",
        deprecated=True,
    ),
    later(
        "notify_priority_changes",
        "Report changes of the members' priority, to the FIFOs.",
        BOOL,
        default="vrrp_notify_priority_changes",
        since="2.0.16",
    ),
    details="""
        One in FAULT takes all there, one in BACKUP too, and all become master together. For a router with two sides, which
        must not be master on one of them only.
    """,
    example="""
        vrrp_sync_group both_sides {
            group {
                inside
                outside
            }
        }
    """,
    see=("vrrp_instance",),
)
