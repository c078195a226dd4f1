"""Mail about what happened, in keepalived's words, so that today's filters keep working.

Events are queued and sent one after the other by a task of its own; a mail server that is slow or away costs nothing but the
mail.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import logging
import os
import socket
from email.message import EmailMessage

from vrrpd.config.model import Mail
from vrrpd.status.events import Event, QuorumChanged, RealServerChanged, VirtualRouterChanged

QUEUE_MAX = 200
"""Mails waiting to be sent: more than anybody wants to find in the morning; the oldest goes when one more comes."""
TRIES_MAX = 3
RETRY_DELAY_S = 10.0
"""A mail server that restarts is back by then."""

log = logging.getLogger(__name__)


class Mailer:
    """Sends mail about events if a server and recipients are configured. Lives on the running event loop."""

    def __init__(self, mail: Mail, router_id: str) -> None:
        self.configure(mail, router_id)
        self._queue: asyncio.Queue[EmailMessage] = asyncio.Queue(QUEUE_MAX)
        self._sender: asyncio.Task[None] | None = None
        self.dropped = 0

    def configure(self, mail: Mail, router_id: str) -> None:
        """Take new settings; mail already queued goes out by them."""
        self._mail = mail
        self._router_id = router_id

    def hear(self, event: Event) -> None:
        """Queue mail about an event that asks for it."""
        if not (event.mail and self._mail.server and self._mail.recipients):
            return
        if self._queue.full():
            self._queue.get_nowait()
            self.dropped += 1
        self._queue.put_nowait(compose(event, self._mail, self._router_id))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        """Stop sending; what is queued is given up."""
        if self._sender is not None:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender

    async def _send_all(self) -> None:
        while True:
            message = await self._queue.get()
            for attempt in range(1, TRIES_MAX + 1):
                if await self._sent(message, last=attempt == TRIES_MAX):
                    break
                await asyncio.sleep(RETRY_DELAY_S)

    async def _sent(self, message: EmailMessage, *, last: bool) -> bool:
        import aiosmtplib  # noqa: PLC0415  # 37 ms and 4 MiB that most daemons never need

        try:
            await aiosmtplib.send(
                message,
                hostname=self._mail.server,
                port=self._mail.port,
                local_hostname=self._mail.helo_name,
                timeout=self._mail.connect_timeout_s,
                start_tls=None,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            outcome = "given up" if last else f"tried again in {RETRY_DELAY_S:g} s"
            log.warning("mail to %s port %d failed: %s; %s", self._mail.server, self._mail.port, error, outcome)
            return last
        return True


def compose(event: Event, mail: Mail, router_id: str) -> EmailMessage:
    """The mail about an event; subjects as keepalived writes them."""
    message = EmailMessage()
    message["Date"] = email.utils.formatdate(localtime=True)
    message["From"] = mail.sender or f"{os.environ.get('USER', 'root')}@{socket.gethostname()}"
    message["To"] = ", ".join(mail.recipients)
    message["Subject"] = f"[{router_id}] {_subject(event)}"
    message["X-Mailer"] = "vrrpd"
    message.set_content(event.headline() + "\n")
    return message


def _subject(event: Event) -> str:
    match event:
        case VirtualRouterChanged():
            return f"VRRP Instance {event.name} - Entering {event.new} state"
        case RealServerChanged():
            verdict = "UP" if event.up else "DOWN"
            return f"Realserver {event.real_server} of virtual server {event.virtual_server} - {verdict}"
        case QuorumChanged():
            return f"Virtualserver {event.virtual_server} - {'UP' if event.up else 'DOWN'}"
