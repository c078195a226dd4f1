"""Generic netlink: families are known by name and get their numbers at run time (include/uapi/linux/genetlink.h)."""

from __future__ import annotations

import errno
import struct

from ipvs.netlink import NetlinkError, NetlinkSocket, attribute, attributes, message

NETLINK_GENERIC = 16

GENL_ID_CTRL = 16
CTRL_VERSION = 2
CTRL_CMD_GETFAMILY = 3
CTRL_ATTR_FAMILY_ID = 1
CTRL_ATTR_FAMILY_NAME = 2

GENERIC_HEADER = struct.Struct("=BBxx")  # command, version
FAMILY_ID = struct.Struct("=H")


def generic_message(family: int, command: int, version: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """One request to a family; `payload` is its attributes."""
    return message(family, flags, GENERIC_HEADER.pack(command, version) + payload)


def family_id(netlink: NetlinkSocket, name: str) -> int | None:
    """The number of the family called `name`; None when the kernel knows none, even after it tried to load a module."""
    question = attribute(CTRL_ATTR_FAMILY_NAME, name.encode("ascii") + b"\0")
    try:
        answers = netlink.query(generic_message(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_VERSION, question))
    except NetlinkError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    for _kind, payload in answers:
        for kind, value in attributes(payload[GENERIC_HEADER.size :]):
            if kind == CTRL_ATTR_FAMILY_ID:
                return int(FAMILY_ID.unpack(value)[0])
    raise NetlinkError(errno.EPROTO, f"the kernel's answer about the family {name} has no number in it")
