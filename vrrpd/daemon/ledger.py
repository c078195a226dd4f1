"""The ledger: what a virtual router was when it was last alive, in memory that outlives every process.

A file in the run directory is mapped by the supervisor before it forks. The router notes there each advert it sends and each
change of state; a note is a few octets written to shared memory, so it opens no file and waits for nobody (DESIGN rule 3).
After a crash, also one of all processes at once, the ledger still tells whether this host was master and when it last said
so: if its peers cannot have counted three adverts missed yet, it goes on as master as if nothing had happened.

Times are CLOCK_MONOTONIC, which all processes of one boot share; the boot's id guards against a ledger of another boot.
"""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"vrrpd ledger 1\n\0"
HEADER = struct.Struct("=16s36s12x")  # magic, boot id
RECORD = struct.Struct("=15sBB7xd")  # interface, virtual router id, state, time of the last advert in seconds
RECORDS_MAX = 4_096
"""More virtual routers than any host runs; the file is 128 KiB, of which only used pages exist."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

EMPTY, NOT_MASTER, MASTER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class LastState:
    """What the ledger knows of one virtual router."""

    was_master: bool
    last_advert_s: float
    """When its last advert as master went out, on the monotonic clock."""


class Ledger:
    """The mapped file. Every virtual router has one record, found by interface and id."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._offsets = {key: offset for offset in self._used() if (key := self._key(offset)) is not None}

    @classmethod
    def open(cls, path: Path) -> Ledger:
        """Map the file, made or emptied where it is missing, damaged or of another boot. Raises OSError."""
        size = HEADER.size + RECORDS_MAX * RECORD.size
        boot_id = BOOT_ID.read_text().strip().encode()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.ftruncate(descriptor, size)
            memory = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        header = HEADER.pack(MAGIC, boot_id)
        if memory[: HEADER.size] != header:
            memory[:] = header + bytes(size - HEADER.size)
        return cls(memory)

    def read(self, interface: str, virtual_router_id: int) -> LastState | None:
        """What is known of a virtual router; None if nothing."""
        offset = self._offsets.get((interface, virtual_router_id))
        if offset is None:
            return None
        _interface, _id, state, last_advert_s = RECORD.unpack_from(self._memory, offset)
        return LastState(state == MASTER, last_advert_s)

    def write(self, interface: str, virtual_router_id: int, *, master: bool, last_advert_s: float) -> None:
        """Note a state. A router too many for the ledger is not noted: it merely starts as backup after a crash."""
        offset = self._offsets.get((interface, virtual_router_id))
        if offset is None:
            if len(self._offsets) == RECORDS_MAX:
                return
            offset = HEADER.size + len(self._offsets) * RECORD.size
            self._offsets[interface, virtual_router_id] = offset
        state = MASTER if master else NOT_MASTER
        RECORD.pack_into(self._memory, offset, interface.encode(), virtual_router_id, state, last_advert_s)

    def _used(self) -> list[int]:
        offsets = []
        for offset in range(HEADER.size, len(self._memory), RECORD.size):
            if self._memory[offset] == 0:
                break
            offsets.append(offset)
        return offsets

    def _key(self, offset: int) -> tuple[str, int] | None:
        interface, virtual_router_id, _state, _advert = RECORD.unpack_from(self._memory, offset)
        return interface.rstrip(b"\0").decode(errors="replace"), virtual_router_id
