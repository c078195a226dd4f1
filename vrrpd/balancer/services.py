"""Under which keys the kernel has a virtual server: one, or one for each address and mark of its group."""

from __future__ import annotations

from collections.abc import Mapping

from ipvs.types import ServiceKey
from vrrpd.balancer.events import IpvsKey
from vrrpd.config.model import GroupKey, VirtualServerGroup, VirtualServerKey


def services_of(key: VirtualServerKey, groups: Mapping[str, VirtualServerGroup]) -> tuple[IpvsKey, ...]:
    """The services of a virtual server, each once; of a group that is not there, or of another family, none."""
    if not isinstance(key, GroupKey):
        return (key,)
    group = groups.get(key.group)
    if group is None:
        return ()
    services: dict[IpvsKey, None] = {}
    for span in group.ranges:
        services.update((ServiceKey(key.protocol, address, span.port), None) for address in span.addresses())
    services.update((mark, None) for mark in group.marks)
    return tuple(services)
