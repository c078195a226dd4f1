"""What every kind of message means, with an example that gives it; docs/diagnostics.md is written from this."""

from __future__ import annotations

from dataclasses import dataclass

from vrrpd.config.diagnostics import Code


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one kind of message."""

    text: str
    example: str = ""
    """A configuration about which this is all that is to be said; empty where a few lines cannot show it."""
    letters: str = "E"
    """How grave it can be: `E`, `W` or `EW`."""

    def codes(self, code: Code) -> str:
        """`E036, W036`."""
        return ", ".join(f"{letter}{code.number:03}" for letter in self.letters)


EXPLANATIONS = {
    Code.FILE_UNREADABLE: Explanation(
        "The configuration file itself cannot be read, or has more than 64 MiB. The exit code is 4.",
    ),
    Code.INCLUDE: Explanation(
        "A file that is included is missing, unreadable, no regular file, executable, or includes itself. What is an error "
        "and what a warning depends on the keyword: see configuration.md.",
        example="""
            include no-such-file.conf
        """,
        letters="EW",
    ),
    Code.INCLUDE_LIMIT: Explanation(
        "More than 16 includes within one another, 4096 files, or 256 MiB in all.",
    ),
    Code.LINE_TOO_LONG: Explanation(
        "A line of more than 1022 octets. keepalived would read its rest as another line; vrrpd leaves all of it out.",
    ),
    Code.UNTERMINATED_QUOTE: Explanation(
        'A `"` without its partner on the same line.',
        example="""
            global_defs {
                router_id "web1
            }
        """,
    ),
    Code.UNDEFINED: Explanation(
        "`${NAME}` without a definition `$NAME=value` above it. What it sets is left out.",
        example="""
            global_defs {
                router_id ${NAME}
            }
        """,
    ),
    Code.LOOP: Explanation(
        "`~SEQ` or `~LST` without the arguments that it needs.",
        example="""
            ~SEQ(i) include ${i}.conf
        """,
    ),
    Code.EXPANSION_LIMIT: Explanation(
        "Definitions or loops that ask for more text than a configuration can need, or that contain themselves.",
        example="""
            $A=${A} again
            ${A}
        """,
    ),
    Code.MISSING_BRACE: Explanation(
        "A block without its opening or closing brace. For a closing brace the message stands at the line that opened the "
        "block, and says where the brace is assumed.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 50
                authentication {
                    auth_type PASS
                    auth_pass 1111
                virtual_ipaddress {
                    192.168.4.15
                }
            }
        """,
    ),
    Code.SURPLUS_BRACE: Explanation(
        "A `}` that closes nothing.",
        example="""
            global_defs {
                router_id web1
            }
            }
        """,
    ),
    Code.UNEXPECTED_BRACE: Explanation(
        "A `{` where no block can be. It is left out with all up to its `}`.",
        example="""
            global_defs {
                router_id web1 {
                }
            }
        """,
    ),
    Code.BAD_VALUE: Explanation(
        "A word that is no value of the kind the keyword takes, or is out of its range. The default holds; what has none is "
        "left out.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 50
                priority 300
                virtual_ipaddress {
                    192.168.4.15
                }
            }
        """,
    ),
    Code.MISSING_ARGUMENT: Explanation(
        "A keyword without what must follow it.",
        example="""
            global_defs {
                router_id
            }
        """,
    ),
    Code.SURPLUS_WORDS: Explanation(
        "Words behind a keyword's last argument. keepalived ignores them silently, and so `nopreempt off` switches "
        "preemption off.",
        example="""
            global_defs {
                router_id web 1
            }
        """,
        letters="EW",
    ),
    Code.ONE_PER_LINE: Explanation(
        "Two keywords on one line. Only one fits behind a `{`.",
        example="""
            vrrp_instance VI_1 { interface eth0 virtual_router_id 50
                virtual_ipaddress {
                    192.168.4.15
                }
            }
        """,
    ),
    Code.UNKNOWN_KEYWORD: Explanation(
        "A word that is no keyword of this block. If a block follows, it is left out too.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 50
                priorty 100
                virtual_ipaddress {
                    192.168.4.15
                }
            }
        """,
    ),
    Code.UNKNOWN_OPTION: Explanation(
        "A word in an address line that is no option there. Often it is a second address: each stands on a line of its own.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 50
                virtual_ipaddress { 192.168.4.15 192.168.4.16 }
            }
        """,
        letters="EW",
    ),
    Code.DUPLICATE: Explanation(
        "Something that may be there once only is there again: a virtual router's name or number, an address, a virtual or "
        "real server. The first one holds.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 50
                virtual_ipaddress {
                    192.168.4.15
                    192.168.4.15
                }
            }
        """,
        letters="EW",
    ),
    Code.CONFLICT: Explanation(
        "Two settings that cannot both hold. The message says which one does.",
        example="""
            vrrp_instance VI_1 {
                state MASTER
                interface eth0
                virtual_router_id 50
                priority 100
                nopreempt
                virtual_ipaddress {
                    192.168.4.15
                }
            }
        """,
        letters="EW",
    ),
    Code.MISSING_SETTING: Explanation(
        "Something without which a virtual router or server cannot run, or makes no sense.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_ipaddress {
                    192.168.4.15
                }
            }
        """,
        letters="EW",
    ),
    Code.DEFAULT_ASSUMED: Explanation(
        "A setting that ought to be written, with the value that holds without it.",
        example="""
            virtual_server 192.168.4.15 80 {
                lb_algo rr
                lb_kind DR
                real_server 192.168.4.100 80 {
                }
            }
        """,
        letters="W",
    ),
    Code.REDUCED: Explanation(
        "A value that is possible only in part: fractions of a second in version 2, a password of more than 8 octets, a "
        "quorum above what all real servers weigh.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 50
                advert_int 0.5
                virtual_ipaddress {
                    192.168.4.15
                }
            }
        """,
        letters="W",
    ),
    Code.ADDRESS_FAMILY: Explanation(
        "An address of the wrong family: a source address of IPv6 for adverts of IPv4, a real server of another family than "
        "its virtual server, to which no tunnel leads.",
        example="""
            virtual_server 192.168.4.15 80 {
                lb_algo rr
                lb_kind DR
                protocol TCP
                real_server 2001:db8::100 80 {
                }
            }
        """,
    ),
    Code.AUTHENTICATION_INCOMPLETE: Explanation(
        "`auth_type` without `auth_pass` (an error) or the reverse (a warning). Adverts then carry no authentication.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 50
                authentication {
                    auth_type PASS
                }
                virtual_ipaddress {
                    192.168.4.15
                }
            }
        """,
        letters="EW",
    ),
    Code.CHECK_WITHOUT_PORT: Explanation(
        "Neither the real server nor its check names a port, so the check would ask port 0.",
        example="""
            virtual_server 192.168.4.15 80 {
                lb_algo rr
                lb_kind DR
                protocol TCP
                real_server 192.168.4.100 {
                    TCP_CHECK {
                    }
                }
            }
        """,
        letters="W",
    ),
    Code.UNKNOWN_NAME: Explanation(
        "A name that nothing bears: a member of a sync group, a script, a file or a group that is not defined, or is "
        "defined further down where it must stand above.",
        example="""
            vrrp_instance inside {
                interface eth0
                virtual_router_id 50
                virtual_ipaddress {
                    192.168.4.15
                }
            }
            vrrp_sync_group both_sides {
                group {
                    inside
                    outsid
                }
            }
        """,
    ),
    Code.DEPRECATED: Explanation(
        "A keyword or word that has given way to another one. It still means what it meant; keepalived counts it as an error.",
        example="""
            global_defs {
                vrrp_rlimit_rtime 10000
            }
        """,
        letters="EW",
    ),
    Code.LENIENT: Explanation(
        "Something that keepalived refuses and vrrpd reads as it was meant: see configuration.md.",
        example="""
            global_defs {
                router_id web1    // the first of two
            }
        """,
        letters="W",
    ),
    Code.NO_EFFECT: Explanation(
        "A keyword of keepalived that vrrpd knows but does not act upon yet. The rest of the file is not affected.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 50
                virtual_ipaddress {
                    192.168.4.15
                }
                notify /usr/local/bin/tell
            }
        """,
        letters="W",
    ),
    Code.NOT_BUILT: Explanation(
        "A keyword that cannot be ignored: without it the virtual router or server would behave wrongly towards others. So "
        "what carries it is left out.",
        example="""
            vrrp_instance VI_1 {
                interface eth0
                virtual_router_id 50
                virtual_ipaddress {
                    192.168.4.15
                }
                use_vmac
            }
        """,
    ),
    Code.TOO_MANY: Explanation(
        "More messages of one severity than are shown.",
        letters="EW",
    ),
    Code.PAIR_DIFFERS: Explanation(
        "Two routers of one virtual router differ in what must be equal: number, interval, version, authentication or "
        "addresses. They drop each other's adverts, and both are master.",
        letters="W",
    ),
    Code.PAIR_AGREES: Explanation(
        "Two routers of one virtual router agree in what should differ, above all in the priority. Which of them is master "
        "is then a matter of who starts first, and of their addresses.",
        letters="W",
    ),
    Code.NOPREEMPT_WITHOUT_EFFECT: Explanation(
        "`nopreempt` on the router of a pair that has the lower priority: it never takes over from a living master anyway. "
        "The other one must be told.",
        letters="W",
    ),
    Code.PREEMPT_DELAY_WITHOUT_EFFECT: Explanation(
        "`preempt_delay` on the router of a pair that has the lower priority: it has nothing to delay.",
        letters="W",
    ),
    Code.NOPREEMPT_WEIGHT: Explanation(
        "`nopreempt` on a virtual router that is tracked with weights. A backup with `nopreempt` lets a master of lower "
        "priority be, so a weight that only lowers the priority never moves the addresses; only weight 0, which is FAULT, "
        "does.",
        letters="W",
    ),
    Code.WEIGHT_WITHOUT_EFFECT: Explanation(
        "Weights that can never change an election: the owner's priority stays at 255 whatever they say, there is no room "
        "for them, or they do not make up the distance to the other router.",
        letters="W",
    ),
    Code.NO_PREFIX_LENGTH: Explanation(
        "An address without a prefix length gets 32 or 128, and no network comes with it.",
        letters="W",
    ),
    Code.STRICT_CONFLICT: Explanation(
        "Strict mode together with unicast peers: the standard has none.",
        letters="W",
    ),
    Code.CLEAR_TEXT_PASSWORD: Explanation(
        "`auth_type PASS` sends the password in clear text with every advert: whoever can disturb the election can also "
        "read it.",
        letters="W",
    ),
    Code.UNICAST_WITHOUT_HMAC: Explanation(
        "Unicast adverts can come from afar, and without `auth_hmac` anybody can make them.",
        letters="W",
    ),
    Code.PERSISTENCE_WITH_OPS: Explanation(
        "Persistence together with `ops`: one sends all packets of a client to one server, the other one spreads them.",
        letters="W",
    ),
    Code.REAL_SERVER_TWICE: Explanation(
        "The sorry server is one of the real servers, and so may be down at the very time when it is needed.",
        letters="W",
    ),
    Code.WEIGHT_ZERO: Explanation(
        "All real servers of a virtual server have weight 0, so none of them ever gets a connection.",
        letters="W",
    ),
    Code.QUORUM_UNREACHABLE: Explanation(
        "The quorum with its hysteresis is more than all real servers weigh together, so it is never gained.",
        letters="W",
    ),
    Code.CHECK_PORT_DIFFERS: Explanation(
        "One real server alone is checked on another port than the one that it serves on, so it can be up with its service "
        "down.",
        letters="W",
    ),
    Code.SCRIPT_MISSING: Explanation(
        "A command that does not exist. What depends on it never changes.",
        letters="W",
    ),
    Code.SCRIPT_UNSAFE: Explanation(
        "A command that root would run and somebody else could change; the message names the file or directory, and the bit "
        "or owner.",
        letters="W",
    ),
    Code.SCRIPT_NOT_EXECUTABLE: Explanation(
        "A command that is there and cannot be executed by the user who is to run it.",
        letters="W",
    ),
    Code.FLAG_WITH_WORD: Explanation(
        "A word that a switch does not heed: `nopreempt off` and `skip_check_adv_addr off` switch both on.",
        letters="W",
    ),
    Code.SETTING_IGNORED: Explanation(
        "A setting that does nothing anywhere, or nothing without another one that is not there.",
        letters="W",
    ),
    Code.MIXED_FAMILIES: Explanation(
        "A real server of another family than its virtual server, behind a tunnel. keepalived leaves it out.",
        letters="W",
    ),
}
