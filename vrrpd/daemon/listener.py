"""The ear for one `Reception` on one interface. Under a flood it rests, and hears those that we know apart from all others.

The router runs with real-time priority, so whoever fills its socket would have the processor to himself. It reads so many a
second and no more, with rests between; what does not fit the socket's buffer meanwhile is dropped by the kernel, and counted.
Lest the master's adverts be among that, they are then heard on a socket that takes nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from vrrpd.config.model import Address
from vrrpd.kernel.links import Link
from vrrpd.kernel.vrrp_socket import AdvertReceiver, Reception

DATAGRAMS_A_SECOND = 10_000
"""No segment has more: its 255 virtual routers with adverts every 26 ms. To read as many takes a quarter of a processor."""
DATAGRAMS_AT_ONCE = 256
"""Beyond that rate: the adverts of a whole segment may fall together."""
REST_S = 0.002
"""Until what was saved meanwhile is spent at once: being woken costs more than what one is woken for."""
REVIEW_S = 1.0
"""So often under a flood it is asked anew whom we know, and whether it is over."""


class Allowance:
    """How many datagrams may be read: a rate, and a store that is full at first and whenever little came for a while."""

    def __init__(self, now_s: float) -> None:
        self._left = float(DATAGRAMS_AT_ONCE)
        self._reckoned_s = now_s

    def reckon(self, now_s: float) -> int:
        """How many may be read now."""
        earned = (now_s - self._reckoned_s) * DATAGRAMS_A_SECOND
        self._left, self._reckoned_s = min(DATAGRAMS_AT_ONCE, self._left + earned), now_s
        return int(self._left)

    def spend(self, count: int) -> bool:
        """So many were read; whether there is nothing left."""
        self._left -= count
        return self._left < 1


class Listener:
    """Hears adverts, called from the running event loop. Raises OSError as `AdvertReceiver` does."""

    def __init__(
        self,
        link: Link,
        what: Reception,
        on_datagram: Callable[[bytes], None],
        known_senders: Callable[[], Collection[Address]],
    ) -> None:
        """`known_senders` are those whose adverts must not be lost: masters, and peers of the configuration."""
        self._on_datagram = on_datagram
        self._known_senders = known_senders
        self._loop = asyncio.get_running_loop()
        self._everybody = AdvertReceiver(link, what)
        """Or, under a flood, everybody else."""
        try:
            self._known = AdvertReceiver(link, what, deaf=True)
        except OSError:
            self._everybody.close()
            raise
        self._allowances = {receiver: Allowance(self._loop.time()) for receiver in self._receivers}
        self._resting: dict[AdvertReceiver, asyncio.TimerHandle] = {}
        self._review: asyncio.TimerHandle | None = None
        """Set under a flood."""
        self._overfull = False
        """Since the last review."""
        self._apart = frozenset[Address]()
        """Who is heard on the socket of those that we know."""
        for receiver in self._receivers:
            self._listen(receiver)

    @property
    def errors(self) -> int:
        """Times that adverts could not be read."""
        return sum(receiver.errors for receiver in self._receivers)

    @property
    def drops(self) -> int:
        """Adverts that the kernel dropped because they came faster than they were read."""
        return sum(receiver.drops for receiver in self._receivers)

    def widen(self, buffer_octets: int) -> None:
        """Have room for more."""
        for receiver in self._receivers:
            receiver.widen(buffer_octets)

    def close(self) -> None:
        """Hear nothing more; it cannot be used after that."""
        for timer in (*self._resting.values(), *([self._review] if self._review else [])):
            timer.cancel()
        for receiver in self._receivers:
            self._loop.remove_reader(receiver.fileno())
            receiver.close()

    @property
    def _receivers(self) -> tuple[AdvertReceiver, AdvertReceiver]:
        """Those that we know first: what they say may end a state in which the others matter."""
        return self._known, self._everybody

    def _listen(self, receiver: AdvertReceiver) -> None:
        self._resting.pop(receiver, None)
        self._loop.add_reader(receiver.fileno(), self._read, receiver)

    def _read(self, receiver: AdvertReceiver) -> None:
        allowance = self._allowances[receiver]
        datagrams = receiver.receive(allowance.reckon(self._loop.time()))
        if allowance.spend(len(datagrams)):
            self._rest(receiver)
        for datagram in datagrams:
            self._on_datagram(datagram)

    # -- under a flood --------------------------------------------------------------------------------------------------

    def _rest(self, receiver: AdvertReceiver) -> None:
        self._loop.remove_reader(receiver.fileno())
        self._resting[receiver] = self._loop.call_later(REST_S, self._listen, receiver)
        self._overfull = True
        if self._review is None:
            self._hear_apart()

    def _hear_apart(self) -> None:
        """Hear those that we know now on a socket of their own. An advert of theirs may get lost, none is heard twice."""
        known = frozenset(self._known_senders())
        if known != self._apart:
            self._everybody.hear_all_but(known | self._apart)
            self._known.hear_only(known)
            self._everybody.hear_all_but(known)
            self._apart = known
        self._overfull = False
        self._review = self._loop.call_later(REVIEW_S, self._look_again)

    def _look_again(self) -> None:
        if self._overfull:
            self._hear_apart()
            return
        self._review = None
        self._known.hear_only(())
        self._everybody.hear_all_but(())
        self._apart = frozenset()
