"""Quorum, sorry server, inhibition, alpha and weights: who serves when, and with what weight."""

from __future__ import annotations

from tests.interop.balancing.cases import Case, Step, block, by_file, filed, real, virtual

AB, ABCD = "a:file b:file", "a:file b:file c:file d:file"
SORRY = "sorry_server $s"
INHIBIT = "sorry_server_inhibit"
BOTH = Step("", "a=1 b=1")
STORY = (BOTH, Step("a down; b down", ""), Step("b up", "b=1"), Step("a up", "a=1 b=1"))
NOTED = (
    'quorum_up "$note quorum-up"',
    'quorum_down "$note quorum-down"',
    filed("a", 'notify_up "$note a-up"', 'notify_down "$note a-down"'),
    filed("b", 'notify_up "$note b-up"', 'notify_down "$note b-down"'),
)
"""The quorum and the servers with their commands."""
DYNAMIC = block("MISC_CHECK", 'misc_path "$misc"', "misc_dynamic")

QUORUMS = (
    Case("all down", virtual(filed("a"), filed("b")), AB, (BOTH, Step("a down; b down", ""), Step("b up", "b=1"))),
    Case(
        "quorum without a sorry server",
        virtual("quorum 2", filed("a"), filed("b")),
        AB,
        (BOTH, Step("a down", "b=1"), Step("a up", "a=1 b=1")),
    ),
    Case(
        "sorry server",
        virtual(SORRY, filed("a"), filed("b")),
        AB,
        (BOTH, Step("a down", "b=1"), Step("b down", "s=1"), Step("a up", "a=1"), Step("b up", "a=1 b=1")),
    ),
    Case(
        "sorry server at the start",
        virtual(SORRY, filed("a"), filed("b")),
        AB,
        (Step("a down; b down", "s=1"), Step("a up", "a=1")),
    ),
    Case(
        "sorry server that stays",
        virtual(SORRY, INHIBIT, filed("a"), filed("b")),
        AB,
        (Step("", "a=1 b=1 s=0"), Step("a down; b down", "s=1"), Step("a up", "a=1 s=0"), Step("b up", "a=1 b=1 s=0")),
    ),
    Case(
        "sorry server by another method",
        virtual(SORRY, "sorry_server_lvs_method DR", filed("a")),
        "a:file",
        (Step("", "a=1"), Step("a down", "s=1"), Step("a up", "a=1")),
    ),
    Case(
        "sorry server that is a real server, too",
        virtual("sorry_server $b", filed("a"), filed("b")),
        AB,
        (BOTH, Step("a down", "b=1"), Step("b down", "b=1"), Step("a up", "a=1"), Step("b up", "a=1 b=1")),
    ),
    Case(
        "sorry server with a quorum",
        virtual(SORRY, "quorum 2", filed("a"), filed("b")),
        AB,
        (BOTH, Step("a down", "s=1"), Step("a up", "a=1 b=1")),
    ),
    Case(
        "hysteresis",
        virtual(SORRY, "quorum 2", "hysteresis 1", filed("a"), filed("b"), filed("c"), filed("d")),
        ABCD,
        (
            Step("", "a=1 b=1 c=1 d=1"),
            Step("a down; b down; c down", "d=1"),
            Step("d down", "s=1"),
            Step("a up; b up", "s=1"),
            Step("c up", "a=1 b=1 c=1"),
            Step("b down; c down", "a=1"),
        ),
    ),
    Case(
        "quorum by weight",
        virtual(SORRY, "quorum 3", filed("a", weight=3), filed("b", weight=2)),
        AB,
        (Step("", "a=3 b=2"), Step("b down", "a=3"), Step("b up; a down", "s=1"), Step("a up", "a=3 b=2")),
    ),
    Case(
        "quorum that cannot be reached",
        virtual(SORRY, "quorum 9", filed("a"), filed("b")),
        AB,
        (BOTH, Step("a down", "s=1"), Step("a up", "a=1 b=1")),
    ),
    Case(
        "hysteresis too large",
        virtual(SORRY, "quorum 2", "hysteresis 5", filed("a"), filed("b"), filed("c"), filed("d")),
        ABCD,
        (
            Step("", "a=1 b=1 c=1 d=1"),
            Step("a down; b down; c down", "d=1"),
            Step("d down", "s=1"),
            Step("a up; b up", "s=1"),
            Step("c up", "a=1 b=1 c=1"),
        ),
    ),
    Case(
        "inhibition",
        virtual("inhibit_on_failure", filed("a"), filed("b")),
        AB,
        (BOTH, Step("a down", "a=0 b=1"), Step("b down", "a=0 b=0"), Step("a up; b up", "a=1 b=1")),
    ),
    Case(
        "inhibition of one",
        virtual(filed("a", "inhibit_on_failure"), filed("b")),
        AB,
        (BOTH, Step("a down", "a=0 b=1"), Step("b down", "a=0"), Step("a up; b up", "a=1 b=1")),
    ),
    Case(
        "inhibition and a sorry server",
        virtual(SORRY, "inhibit_on_failure", filed("a"), filed("b")),
        AB,
        (BOTH, Step("a down", "a=0 b=1"), Step("b down", "a=0 b=0 s=1"), Step("a up", "a=1 b=0"), Step("b up", "a=1 b=1")),
    ),
    Case(
        "inhibition and a quorum",
        virtual(SORRY, INHIBIT, "inhibit_on_failure", "quorum 2", filed("a"), filed("b")),
        AB,
        (Step("", "a=1 b=1 s=0"), Step("a down", "a=0 b=0 s=1"), Step("a up", "a=1 b=1 s=0")),
    ),
    Case(
        "alpha",
        virtual("alpha", real("a", block("TCP_CHECK")), real("b", block("TCP_CHECK"))),
        "a:tcp b:tcp",
        (Step("a down", "b=1"), Step("a up", "a=1 b=1"), Step("b down", "a=1")),
    ),
    Case(
        "alpha with inhibition",
        virtual("alpha", "inhibit_on_failure", real("a", block("TCP_CHECK")), real("b", block("TCP_CHECK"))),
        "a:tcp b:tcp",
        (Step("a down", "a=0 b=1"), Step("a up", "a=1 b=1")),
    ),
    Case(
        "alpha with a sorry server",
        virtual("alpha", SORRY, real("a", block("TCP_CHECK")), real("b", block("TCP_CHECK"))),
        "a:tcp b:tcp",
        (Step("a down; b down", "s=1"), Step("a up", "a=1"), Step("b up", "a=1 b=1")),
    ),
    Case(
        "omega",
        virtual("omega", *NOTED),
        AB,
        STORY,
        notes=("a-down", "a-down", "a-up", "b-down", "b-down", "b-up", *("quorum-down",) * 2, *("quorum-up",) * 2),
    ),
    Case(
        "without omega",
        virtual(*NOTED),
        AB,
        STORY,
        notes=("a-down", "a-up", "b-down", "b-up", "quorum-down", "quorum-up", "quorum-up"),
    ),
    Case(
        "alpha of one",
        virtual(real("a", "alpha", block("TCP_CHECK")), real("b", block("TCP_CHECK"))),
        "a:tcp b:tcp",
        (Step("a down", "b=1"), Step("a up", "a=1 b=1")),
    ),
)
"""Who serves."""

WEIGHTS = (
    Case(
        "weight of zero",
        virtual(filed("a", weight=0), filed("b")),
        AB,
        (Step("", "a=0 b=1"), Step("a down", "b=1"), Step("a up; b down", "a=0")),
    ),
    Case(
        "nothing but weights of zero",
        virtual(SORRY, filed("a", weight=0), filed("b", weight=0)),
        AB,
        (Step("", "s=1"), Step("a down", "s=1")),
    ),
    Case("weight of the virtual server", virtual("weight 7", filed("a"), filed("b", weight=2)), AB, (Step("", "a=7 b=2"),)),
    Case(
        "file that weighs",
        virtual(real("a", "weight 10", by_file("a", "weight 2")), filed("b")),
        AB,
        (
            Step("", "a=10 b=1"),
            Step("a writes 3", "a=16 b=1"),
            Step("a writes -4", "a=2 b=1"),
            Step("a writes -5", "a=0 b=1"),
            Step("a writes -50", "a=0 b=1"),
            Step("a writes 1", "a=12 b=1"),
        ),
    ),
    Case(
        "file that weighs the other way",
        virtual(real("a", "weight 10", by_file("a", "weight 2 reverse")), filed("b")),
        AB,
        (Step("", "a=10 b=1"), Step("a writes 3", "a=4 b=1"), Step("a writes -3", "a=16 b=1")),
    ),
    Case(
        "file the other way without a weight",
        virtual(real("a", by_file("a", "weight 0 reverse")), filed("b")),
        AB,
        (Step("", "b=1"), Step("a writes 1", "a=1 b=1"), Step("a writes 0", "b=1")),
    ),
    Case(
        "file that takes a server down by its weight",
        virtual(real("a", "weight 10", by_file("a", "weight 1")), filed("b")),
        AB,
        (Step("", "a=10 b=1"), Step("a writes -2147483648", "b=1"), Step("a writes 2", "a=12 b=1")),
    ),
    Case(
        "weight that loses the quorum",
        virtual(SORRY, "quorum 5", real("a", "weight 10", by_file("a", "weight 1")), filed("b")),
        AB,
        (Step("", "a=10 b=1"), Step("a writes -7", "s=1"), Step("a writes -6", "a=4 b=1"), Step("a writes 0", "a=10 b=1")),
    ),
    Case(
        "two that weigh",
        virtual(real("a", "weight 10", by_file("a", "weight 1"), by_file("c", "weight 2")), filed("b")),
        "a:file b:file c:file",
        (Step("", "a=10 b=1"), Step("a writes 1; c writes 2", "a=15 b=1"), Step("a writes 0", "a=14 b=1")),
    ),
    Case(
        "weight kept while down",
        virtual(real("a", "weight 10", by_file("a", "weight 1"), by_file("c")), filed("b")),
        "a:file b:file c:file",
        (Step("a writes 5", "a=15 b=1"), Step("c down", "b=1"), Step("a writes 3", "b=1"), Step("c up", "a=13 b=1")),
    ),
    Case(
        "misc and file that weigh",
        virtual(real("a", "weight 10", DYNAMIC, by_file("a", "weight 1")), filed("b"), delay_loop=2),
        AB,
        (Step("", "a=10 b=1"), Step("m exits 22", "a=20 b=1"), Step("a writes 3", "a=23 b=1"), Step("m exits 7", "a=8 b=1")),
    ),
    Case(
        "misc dynamic with inhibition",
        virtual("inhibit_on_failure", real("a", "weight 4", DYNAMIC), filed("b"), delay_loop=2),
        "b:file",
        (
            Step("", "a=4 b=1"),
            Step("m exits 9", "a=7 b=1"),
            Step("m exits 0", "a=4 b=1"),
            Step("m exits 9", "a=7 b=1"),
            Step("m exits 1", "a=0 b=1"),
            Step("m exits 0", "a=4 b=1"),
        ),
    ),
    Case(
        "misc dynamic from the start",
        virtual(real("a", "weight 4", DYNAMIC), filed("b"), delay_loop=2),
        "b:file",
        (Step("m exits 9", "a=7 b=1"),),
    ),
)
"""With what weight."""
