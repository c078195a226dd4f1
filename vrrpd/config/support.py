"""What this version does of all that the language can say: the one place that knows what is not built yet.

A keyword without effect is left out with a warning. Where that would make the daemon behave wrongly towards others, what
carries the keyword is left out instead, with an error. Declarations say which keyword is of which kind (:class:`Effect`).
"""

from __future__ import annotations

from dataclasses import replace

from vrrpd.config.declaration import Effect
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.model import Config, Links, Static, Tracked
from vrrpd.config.support_director import runnable_daemon, runnable_virtual_servers
from vrrpd.config.support_vrrp import runnable_sync_groups, runnable_virtual_routers
from vrrpd.config.tree import Node


def runnable(written: Config, root: Node, report: Report) -> Config:
    """What this version runs of `written`, which was read from `root`; says once of everything else that it is left out."""
    _say_what_has_no_effect(root, report)
    elsewhere = root.last("net_namespace")
    if elsewhere:
        report.error(
            Code.NOT_BUILT,
            elsewhere.line,
            0,
            "`net_namespace` is not built yet",
            assumed="what belongs into the namespace is left out",
            advice="start the daemon in the namespace",
        )
    routers = () if elsewhere else runnable_virtual_routers(written.virtual_routers, written.sync_groups, root, report)
    return replace(
        written,
        daemon=runnable_daemon(written.daemon),
        virtual_routers=routers,
        virtual_servers=() if elsewhere else runnable_virtual_servers(written.virtual_servers),
        virtual_server_groups=() if elsewhere else written.virtual_server_groups,
        sync_groups=runnable_sync_groups(written.sync_groups, routers),
        tracked=Tracked(),
        static=Static(),
        links=Links(garp_groups=written.links.garp_groups),
    )


def _say_what_has_no_effect(block: Node, report: Report) -> None:
    """Warn of each keyword without effect; what stands inside of such a block needs no warning of its own."""
    for node in block.children:
        if node.keyword.effect is Effect.NONE:
            report.warning(Code.NO_EFFECT, node.line, 0, f"`{node.keyword.name}` has no effect yet", assumed="it is left out")
        elif node.children and node.keyword.effect is Effect.BUILT:
            _say_what_has_no_effect(node, report)
