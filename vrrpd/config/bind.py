"""From a tree of keywords to the model of the whole configuration: who reads which block, and what of it others need."""

from __future__ import annotations

from collections.abc import Sequence

from vrrpd.config.bind_daemon import bind_daemon
from vrrpd.config.bind_director import bind_virtual_servers
from vrrpd.config.bind_groups import bind_groups
from vrrpd.config.bind_links import bind_links, bind_static
from vrrpd.config.bind_rule import Preferences
from vrrpd.config.bind_sync_group import Membership, bind_sync_groups
from vrrpd.config.bind_tracked import Definitions
from vrrpd.config.bind_vrrp import bind_virtual_routers
from vrrpd.config.bind_web_checks import bind_tls_files, with_tls_files
from vrrpd.config.diagnostics import Report
from vrrpd.config.model import Config
from vrrpd.config.tree import Node


def bind(root: Node, report: Report, host: str, files: Sequence[str]) -> Config:
    """All that is sound in a tree; `host` stands in for a `router_id`, `files` are those that it was read from."""
    definitions = Definitions(root, report)
    membership = Membership(root, report)
    preferences = Preferences()
    static = bind_static(root, preferences, report)
    routers = bind_virtual_routers(root, definitions, membership, preferences, report)
    groups = bind_groups(root, report)
    tls_files = bind_tls_files(root)
    return Config(
        daemon=bind_daemon(root, report, host),
        virtual_routers=routers,
        virtual_servers=with_tls_files(bind_virtual_servers(root, groups, report), tls_files),
        files=tuple(files),
        sync_groups=bind_sync_groups(root, membership, frozenset(router.name for router in routers), definitions, report),
        tracked=definitions.tracked,
        static=static,
        links=bind_links(root, report),
        virtual_server_groups=groups,
        tls_files=tls_files,
    )
