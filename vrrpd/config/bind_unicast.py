"""`unicast_peer` and its like -> :class:`vrrpd.config.model.Unicast`."""

from __future__ import annotations

from dataclasses import replace

from vrrpd.config.bind_family import Family, say_other_family
from vrrpd.config.diagnostics import Code, Note, Report
from vrrpd.config.line import Line
from vrrpd.config.model import OldChecksum, Unicast, UnicastPeer
from vrrpd.config.settings import flag, setting
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Integer, read_address
from vrrpd.config.words import Words, read_entry

TTL = Integer(0, 255)


def bind_unicast(node: Node, settings: Node, family: Family, report: Report) -> Unicast | None:
    """The peers and how they are spoken to; None where adverts go to a group. `settings` is `global_defs`."""
    blocks = node.all("unicast_peer")
    peers = _peers([entry for block in blocks for entry in block.entries], family, report)
    fault_without_peer = flag(node, "unicast_fault_no_peer")
    if blocks and not any(block.entries for block in blocks) and not fault_without_peer:
        report.error(
            Code.MISSING_SETTING, blocks[0].line, 0, "`unicast_peer` names nobody", assumed="adverts go to the multicast group"
        )
    if not peers and not (blocks and fault_without_peer):
        return None
    return Unicast(
        peers=peers,
        ttl=setting(node, "unicast_ttl", 255),
        check_source=flag(node, "check_unicast_src")
        or flag(settings, "vrrp_check_unicast_src")
        or any(peer.min_ttl is not None or peer.max_ttl is not None for peer in peers),
        fault_without_peer=fault_without_peer,
        old_checksum=_old_checksum(node),
    )


def _old_checksum(node: Node) -> OldChecksum:
    found = node.last("old_unicast_checksum")
    if found is None:
        return OldChecksum.AUTO
    return OldChecksum.NEVER if found.values else OldChecksum.ALWAYS


def _peers(entries: list[Line], family: Family, report: Report) -> tuple[UnicastPeer, ...]:
    peers: dict[object, UnicastPeer] = {}
    first: dict[object, Line] = {}
    for entry in entries:
        peer = read_entry(Words(entry), _peer, "peer", report)
        if peer is None:
            continue
        if peer.address.version != family.number:
            say_other_family(entry, 0, peer.address, family, "the peer is left out", report)
        elif peer.address in peers:
            report.error(
                Code.DUPLICATE,
                entry,
                0,
                f"{peer.address} is a peer already",
                assumed="the first one holds",
                note=Note.at(first[peer.address]),
            )
        else:
            peers[peer.address], first[peer.address] = peer, entry
    return tuple(peers.values())


def _peer(words: Words) -> UnicastPeer:
    """`ADDRESS [min_ttl NUMBER] [max_ttl NUMBER]`"""
    peer = UnicastPeer(read_address(words.take()))
    while words.next is not None:
        word = words.take()
        if word == "min_ttl":
            peer = replace(peer, min_ttl=words.read(TTL.read))
        elif word == "max_ttl":
            peer = replace(peer, max_ttl=words.read(TTL.read))
        else:
            raise words.unknown(("min_ttl", "max_ttl"))
    if peer.min_ttl is not None and peer.max_ttl is not None and peer.min_ttl > peer.max_ttl:
        raise BadValueError(f"no TTL is at least {peer.min_ttl} and at most {peer.max_ttl}")
    return peer
