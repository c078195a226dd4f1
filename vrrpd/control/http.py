"""The HTTP server: a window on the status, reading only.

Imported and started only where HTTP is configured, and after the children are forked, so that they never carry it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from vrrpd.config.model import ListenAddress
from vrrpd.status import prometheus
from vrrpd.status.model import Snapshot

REQUEST_OCTETS_MAX = 8_192
"""A line or header of a request; nothing that asks for metrics needs more."""
KEEPALIVE_S = 75.0
BACKLOG = 16
SHUTDOWN_S = 1.0
"""Scrapes under way at stop get this long to end."""


class HttpServer:
    """Serves /metrics, /healthz and /readyz at one address."""

    def __init__(self, listen: ListenAddress, snapshot: Callable[[], Awaitable[Snapshot]]) -> None:
        self.listen = listen
        self._snapshot = snapshot
        application = web.Application()
        application.add_routes(
            [web.get("/metrics", self._metrics), web.get("/healthz", self._health), web.get("/readyz", self._readiness)]
        )
        self._runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            shutdown_timeout=SHUTDOWN_S,
            handle_signals=False,
            max_line_size=REQUEST_OCTETS_MAX,
            max_field_size=REQUEST_OCTETS_MAX,
        )

    async def start(self) -> None:
        """Begin to listen. Raises OSError."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.listen.host, self.listen.port, backlog=BACKLOG).start()
        except OSError:
            await self._runner.cleanup()
            raise

    async def close(self) -> None:
        """Stop listening and end what is under way."""
        await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        exposition, content_type = prometheus.expose(await self._snapshot(), request.headers.get("Accept", ""))
        return web.Response(body=exposition, headers={"Content-Type": content_type})

    async def _health(self, _request: web.Request) -> web.Response:
        """The supervisor answers: it lives."""
        return web.Response(text="alive\n")

    async def _readiness(self, _request: web.Request) -> web.Response:
        """Every process that has work answers."""
        snapshot = await self._snapshot()
        missing = [process.name for process in snapshot.processes if process.needed and not process.answers]
        if missing:
            return web.Response(status=503, text=f"no answer from {', '.join(missing)}\n")
        return web.Response(text="ready\n")
