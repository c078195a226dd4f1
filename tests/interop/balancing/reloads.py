"""What a reload changes, and what it leaves: servers that are down stay down, weights that were set stay set."""

from __future__ import annotations

from tests.interop.balancing.cases import NO_SERVICE, Case, Step, block, by_file, filed, real, virtual

AB = "a:file b:file"
A, B = filed("a"), filed("b")
BOTH = Step("", "a=1 b=1")
SORRY = "sorry_server $s"
NEVER = 600
"""A delay_loop in which a check does not come round again."""
PATIENT = virtual(real("a", block("TCP_CHECK")), B, delay_loop=NEVER)


def _reloaded(
    name: str, before: str, after: str, shows: str, *, down: str = "", holds: str = "", then: tuple[Step, ...] = ()
) -> Case:
    """Both servers up, or one down; then the other configuration."""
    begin = Step(down, "b=1") if down else BOTH
    steps = (begin, Step("reload", shows, holds=holds), *then)
    return Case(f"reload: {name}", before, "a:file b:file c:file", steps, (after,))


RELOADS = (
    _reloaded("nothing", virtual(A, B), virtual(A, B), "a=1 b=1"),
    _reloaded("nothing while one is down", virtual(A, B), virtual(A, B), "b=1", down="a down"),
    _reloaded(
        "weight",
        virtual(A, B),
        virtual(filed("a", weight=5), B),
        "a=5 b=1",
        then=(Step("a down", "b=1"), Step("a up", "a=5 b=1")),
    ),
    _reloaded(
        "weight of one that is down",
        virtual(A, B),
        virtual(filed("a", weight=5), B),
        "b=1",
        down="a down",
        then=(Step("a up", "a=5 b=1"),),
    ),
    _reloaded("weight of zero", virtual(A, B), virtual(filed("a", weight=0), B), "a=0 b=1"),
    _reloaded("scheduler", virtual(A, B), virtual(A, B, lb_algo="wlc"), "a=1 b=1", holds="-s wlc"),
    _reloaded("flags", virtual(A, B, lb_algo="sh"), virtual("sh-port", A, B, lb_algo="sh"), "a=1 b=1", holds="-b sh-port"),
    _reloaded("persistence", virtual(A, B), virtual("persistence_timeout 99", A, B), "a=1 b=1", holds="-p 99"),
    _reloaded("persistence taken away", virtual("persistence_timeout 99", A, B), virtual(A, B), "a=1 b=1"),
    _reloaded("server more", virtual(A, B), virtual(A, B, filed("c")), "a=1 b=1 c=1", then=(Step("c down", "a=1 b=1"),)),
    _reloaded("server less", virtual(A, B), virtual(B), "b=1"),
    _reloaded("another server", virtual(A, B), virtual(A, filed("c")), "a=1 c=1"),
    _reloaded("order of servers", virtual(A, B), virtual(B, A), "b=1", down="a down"),
    _reloaded("thresholds", virtual(A, B), virtual(filed("a", uthreshold=9, lthreshold=3), B), "a=1 b=1"),
    _reloaded("way to the servers", virtual(A, B), virtual(A, B, lb_kind="DR"), "a=1 b=1", holds=" -g "),
    _reloaded("inhibition", virtual(A, B), virtual("inhibit_on_failure", A, B), "a=0 b=1", down="a down"),
    _reloaded("sorry server", virtual(A, B), virtual(SORRY, A, B), "a=1 b=1", then=(Step("a down; b down", "s=1"),)),
    _reloaded(
        "quorum", virtual(SORRY, A, B), virtual(SORRY, "quorum 2", A, B), "s=1", down="a down", then=(Step("a up", "a=1 b=1"),)
    ),
    _reloaded("check less", virtual(A, B), virtual(real("a"), B), "a=1 b=1", down="a down"),
    _reloaded(
        "check more",
        virtual(A, B),
        virtual(real("a", by_file("a"), by_file("c")), B),
        "a=1 b=1",
        then=(Step("c down", "b=1"), Step("c up", "a=1 b=1")),
    ),
    _reloaded("virtual server less", virtual(A, B), "", NO_SERVICE),
    Case("reload: virtual server more", "", AB, (Step("", NO_SERVICE), Step("reload", "a=1 b=1")), (virtual(A, B),)),
    Case(
        "reload: file that weighs",
        virtual(real("a", "weight 10", by_file("a", "weight 1")), B),
        AB,
        (Step("a writes 4", "a=14 b=1"), Step("reload", "a=24 b=1"), Step("a writes 0", "a=20 b=1")),
        (virtual(real("a", "weight 20", by_file("a", "weight 1")), B),),
    ),
    Case(
        "reload: misc that weighs",
        virtual(real("a", "weight 10", block("MISC_CHECK", 'misc_path "$misc"', "misc_dynamic")), B, delay_loop=2),
        "b:file",
        (Step("m exits 16", "a=14 b=1"), Step("reload", "a=14 b=2")),
        (
            virtual(
                real("a", "weight 10", block("MISC_CHECK", 'misc_path "$misc"', "misc_dynamic")),
                filed("b", weight=2),
                delay_loop=2,
            ),
        ),
    ),
    Case(
        "reload: server that is down and not asked again",
        PATIENT,
        "a:tcp b:file",
        (Step("a down", "b=1"), Step("reload", "b=2")),
        (virtual(real("a", block("TCP_CHECK")), filed("b", weight=2), delay_loop=NEVER),),
    ),
    Case(
        "reload: group with an address more",
        block("virtual_server_group G$mark", "$net.1-2 80") + "\n" + virtual(A, B, of="group G$mark"),
        AB,
        (Step("a down", "b=1"), Step("reload", "b=2"), Step("a up", "a=1 b=2")),
        (block("virtual_server_group G$mark", "$net.1-3 80") + "\n" + virtual(A, filed("b", weight=2), of="group G$mark"),),
    ),
)
