"""What strict mode changes in a virtual router: what the RFCs do not know is put back to what they say."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.model import IpVlan, VirtualMac, VirtualRouter
from vrrpd.config.tree import Node

OWNER = 255
DOWN_TIMER_ADVERTS = 3
"""RFC 3768 section 6.1, RFC 5798 section 6.1: Master_Down_Interval."""


def as_strict(router: VirtualRouter, node: Node, report: Report) -> VirtualRouter:
    """The router as strict mode has it, with a message for each setting that somebody wrote otherwise."""

    def reset(name: str, assumed: str) -> None:
        found = node.last(name)
        if found is not None:
            report.warning(Code.CONFLICT, found.line, 0, f"strict mode has no `{found.line.words[0]}`", assumed=assumed)

    owner = router.priority == OWNER
    if router.starts_as_master != owner:
        _say_state(router, node, report)
    if router.preempt_delay_s:
        reset("preempt_delay", "it is left out")
    if router.down_timer_adverts != DOWN_TIMER_ADVERTS:
        reset("down_timer_adverts", f"`down_timer_adverts {DOWN_TIMER_ADVERTS}`")
    if not router.lower_priority_no_advert:
        reset("lower_prio_no_advert", "`lower_prio_no_advert on`")
    if router.higher_priority_send_advert:
        reset("higher_prio_send_advert", "`higher_prio_send_advert off`")
    if router.may_lack_addresses:
        reset("no_virtual_ipaddress", "it is left out")
    if not owner and router.accept:
        reset("accept", "`no_accept`, for only an owner accepts packets to the addresses")
    return replace(
        router,
        starts_as_master=owner,
        preempt_delay_s=0.0,
        down_timer_adverts=DOWN_TIMER_ADVERTS,
        accept=owner,
        lower_priority_no_advert=True,
        higher_priority_send_advert=False,
        may_lack_addresses=False,
        virtual_interface=_virtual_interface(router, node, report),
        announcements=replace(router.announcements, lower_priority_delay_s=0.0, lower_priority_repeat=0),
    )


def _say_state(router: VirtualRouter, node: Node, report: Report) -> None:
    found = node.last("state") or node
    written = "MASTER" if router.starts_as_master else "BACKUP"
    right = "BACKUP" if router.starts_as_master else "MASTER"
    message = f"in strict mode only the owner, priority 255, is MASTER, and always; this is {written} with {router.priority}"
    report.warning(Code.CONFLICT, found.line, 1, message, assumed=f"`state {right}`")


def _virtual_interface(router: VirtualRouter, node: Node, report: Report) -> VirtualMac | IpVlan | None:
    """Adverts come from the virtual MAC address, and that is the one of the RFC."""
    made = router.virtual_interface
    if not isinstance(made, VirtualMac):
        return made
    found = node.last("use_vmac")
    if made.mac is not None and found is not None:
        report.warning(
            Code.CONFLICT, found.line, 0, "strict mode has no MAC address but the RFC's", assumed="the virtual router's"
        )
    found = node.last("vmac_xmit_base")
    if made.adverts_from_base and found is not None:
        report.warning(Code.CONFLICT, found.line, 0, "strict mode has no `vmac_xmit_base`", assumed="it is left out")
    return replace(made, mac=None, adverts_from_base=False)


def mind_first_address(router: VirtualRouter, node: Node, report: Report) -> bool:
    """Whether the first IPv6 address is a link-local one (RFC 5798 section 5.2.9); says so if it is not."""
    first = next((one.address for one in router.addresses), None)
    if not router.strict or not isinstance(first, IPv6Address) or first.is_link_local:
        return True
    entry = next(entry for block in node.all("virtual_ipaddress") for entry in block.entries)
    report.error(
        Code.CONFLICT,
        entry,
        0,
        "in strict mode the first IPv6 address is a link-local one",
        assumed=f"virtual router `{router.name}` is left out",
    )
    return False
