"""Mail about what happened, in keepalived's words, so that today's filters keep working.

Events are queued and sent one after the other by a task of its own; a mail server that is slow or away costs nothing but the
mail.
"""

from __future__ import annotations

import asyncio
import email.policy
import email.utils
import logging
import os
import socket
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage

from vrrpd.config.model import Mail
from vrrpd.status.events import (
    AlarmRaised,
    Event,
    QuorumChanged,
    RealServerChanged,
    RealServerWeighed,
    SyncGroupChanged,
    VirtualRouterChanged,
)

FAULT = "FAULT"
"""The state of which `no_email_faults` wants no mail."""
QUEUE_MAX = 200
"""Mails waiting to be sent: more than anybody wants to find in the morning; the oldest goes when one more comes."""
TRIES_MAX = 3
RETRY_DELAY_S = 10.0
"""A mail server that restarts is back by then."""
CANCEL_AGAIN_S = 0.1
"""Up to Python 3.11 `asyncio.wait_for`, on which every step of the dialogue waits, swallows a cancellation that comes together
with the server's answer."""

log = logging.getLogger(__name__)


POLICY = email.policy.SMTP.clone(header_factory=HeaderRegistry(use_default_map=False))
"""Headers go out as they are given: Python's parser of addresses raises nearly anything over what is none, and the mail server
judges anyway."""


Mailed = VirtualRouterChanged | SyncGroupChanged | AlarmRaised | RealServerChanged | QuorumChanged
"""What is worth a mail."""


class Mailer:
    """Sends mail about events if a server and recipients are configured. Lives on the running event loop."""

    def __init__(self, mail: Mail, router_id: str) -> None:
        self.configure(mail, router_id)
        self._queue: asyncio.Queue[Mailed] = asyncio.Queue(QUEUE_MAX)
        self._sender: asyncio.Task[None] | None = None
        self.dropped = 0

    def configure(self, mail: Mail, router_id: str) -> None:
        """Take new settings; what is queued already goes out by them."""
        self._mail = mail
        self._router_id = router_id

    def hear(self, event: Event) -> None:
        """Queue an event that asks for mail."""
        if isinstance(event, RealServerWeighed) or not (event.mail and self._has_somewhere_to_go()):
            return
        if isinstance(event, VirtualRouterChanged | SyncGroupChanged) and event.new == FAULT and not self._mail.of_faults:
            return
        if self._queue.full():
            self._queue.get_nowait()
            self.dropped += 1
        self._queue.put_nowait(event)
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        """Stop sending; what is queued is given up."""
        while self._sender is not None and not self._sender.done():
            self._sender.cancel()
            await asyncio.wait((self._sender,), timeout=CANCEL_AGAIN_S)

    def _has_somewhere_to_go(self) -> bool:
        return bool(self._mail.server and self._mail.recipients)

    async def _send_all(self) -> None:
        while True:
            event = await self._queue.get()
            for attempt in range(1, TRIES_MAX + 1):
                if await self._sent(event, last=attempt == TRIES_MAX):
                    break
                await asyncio.sleep(RETRY_DELAY_S)

    async def _sent(self, event: Mailed, *, last: bool) -> bool:
        """Whether the event is done with: sent, given up, or no longer asked for."""
        import aiosmtplib  # noqa: PLC0415  # 37 ms and 4 MiB that most daemons never need

        if not self._has_somewhere_to_go():
            return True
        mail, message = self._mail, compose(event, self._mail, self._router_id)
        try:
            refused, _answer = await aiosmtplib.send(
                bytes(message),
                sender=_line(message["From"]),
                recipients=list(map(_line, mail.recipients)),
                hostname=mail.server,
                port=mail.port,
                local_hostname=mail.helo_name,
                timeout=mail.connect_timeout_s,
                start_tls=None,
                validate_certs=False,  # encrypted where the server can; whoever could pose as it could as well strip that
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:  # ValueError: a name that is none
            outcome = "given up" if last else f"tried again in {RETRY_DELAY_S:g} s"
            log.warning("mail to %s port %d failed: %s; %s", mail.server, mail.port, error, outcome)
            return last
        for recipient, answer in refused.items():
            log.warning("mail to %s port %d: %s is refused: %s", mail.server, mail.port, recipient, answer.message)
        return True


def compose(event: Mailed, mail: Mail, router_id: str) -> EmailMessage:
    """The mail about an event; subjects as keepalived writes them."""
    message = EmailMessage(POLICY)
    message["Date"] = email.utils.formatdate(event.at_unix_s, localtime=True)
    message["From"] = _line(mail.sender or f"{os.environ.get('USER', 'root')}@{socket.gethostname()}")
    message["To"] = _line(", ".join(mail.recipients))
    message["Subject"] = _line(f"[{router_id}] {_subject(event)}")
    message["X-Mailer"] = "vrrpd"
    message.set_content(_line(event.headline()) + "\n")
    return message


def _line(text: str) -> str:
    """One line of text whatever stands in names that come from a file: no header can be smuggled in, no octet be no text."""
    return " ".join(text.encode(errors="replace").decode().split())


def _subject(event: Mailed) -> str:
    match event:
        case VirtualRouterChanged():
            return f"VRRP Instance {event.name} - Entering {event.new} state"
        case SyncGroupChanged():
            return f"VRRP Group {event.name} - Entering {event.new} state"
        case AlarmRaised():
            return f"VRRP Instance {event.name} - Alarm: {event.kind}"
        case RealServerChanged():
            verdict = "UP" if event.up else "DOWN"
            return f"Realserver {event.real_server} of virtual server {event.virtual_server} - {verdict}"
        case QuorumChanged():
            return f"Virtualserver {event.virtual_server} - {'UP' if event.up else 'DOWN'}"
