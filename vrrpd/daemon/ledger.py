"""The ledger: what a virtual router was when it was last alive, in memory that outlives every process.

A file in the run directory is mapped by the supervisor before it forks. The router notes there each advert it sends and each
change of state; a note is a few octets written to shared memory, so it opens no file and waits for nobody (DESIGN rule 3).
After a crash, also one of all processes at once, the ledger still tells whether this host was master and when it last said
so: if its peers cannot have counted three adverts missed yet, it goes on as master as if nothing had happened. It tells the
number of the last authenticated advert, too, because peers drop what they take for a repetition.

Times are CLOCK_MONOTONIC, which all processes of one boot share; the boot's id guards against a ledger of another boot.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

from vrrpd.protocol.resumption import LastState
from vrrpd.protocol.vrrp_router import InstanceKey

MAGIC = b"vrrpd ledger 3\n\0"
HEADER = struct.Struct("=16s36s12x")  # magic, boot id
RECORD = struct.Struct("=15sBBB6xdQ")
"""Interface, family, virtual router id, state, time of the last advert in seconds, its sequence number."""
INTERFACE_OCTETS_MAX = 15
RECORDS_MAX = 4_096
"""More virtual routers than any host runs; the file is 160 KiB, of which only used pages exist."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

NOT_MASTER, MASTER = 1, 2


class Ledger:
    """The mapped file. Every virtual router has one record, found by its key."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._offsets: dict[tuple[bytes, int, int], int] = {}
        self._end = HEADER.size
        """Where the first record begins that is not known yet."""

    @classmethod
    def open(cls, path: Path) -> Ledger:
        """Map the file, made or emptied where it is missing, damaged or of another boot. Raises OSError."""
        header = HEADER.pack(MAGIC, BOOT_ID.read_text().strip().encode())
        size = HEADER.size + RECORDS_MAX * RECORD.size
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if os.pread(descriptor, HEADER.size, 0) != header:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, header, 0)
            os.ftruncate(descriptor, size)
            return cls(mmap.mmap(descriptor, size))
        finally:
            os.close(descriptor)

    def read(self, key: InstanceKey) -> LastState | None:
        """What is known of a virtual router; None if nothing."""
        offset = self._find(_name(key.interface), key.family, key.virtual_router_id)
        if offset is None:
            return None
        _interface, _family, _id, state, last_advert_s, sequence = RECORD.unpack_from(self._memory, offset)
        return LastState(state == MASTER, last_advert_s, sequence)

    def write(self, key: InstanceKey, *, master: bool, last_advert_s: float, sequence: int = 0) -> None:
        """Note a state. A router too many for the ledger is not noted: it merely starts as backup after a crash."""
        name = _name(key.interface)
        offset = self._find(name, key.family, key.virtual_router_id)
        if offset is None:
            if self._end == len(self._memory):
                return
            offset = self._end
        state = MASTER if master else NOT_MASTER
        RECORD.pack_into(self._memory, offset, name, key.family, key.virtual_router_id, state, last_advert_s, sequence)

    def _find(self, name: bytes, family: int, virtual_router_id: int) -> int | None:
        """Where a virtual router's record stands.

        Records are only ever added, and another process may have: a router that died was the one that wrote them, and this
        may be the copy of the ledger that its successor was born with.
        """
        key = (name, family, virtual_router_id)
        while key not in self._offsets and self._end < len(self._memory) and self._memory[self._end]:
            padded_name, known_family, known_id, *_note = RECORD.unpack_from(self._memory, self._end)
            self._offsets[padded_name.rstrip(b"\0"), known_family, known_id] = self._end
            self._end += RECORD.size
        return self._offsets.get(key)


def _name(interface: str) -> bytes:
    """An interface's name as a record has it; the kernel's are octets, at most 15 of them (IFNAMSIZ less its terminator)."""
    return interface.encode(errors="surrogateescape")[:INTERFACE_OCTETS_MAX]
