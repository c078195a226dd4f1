"""The HTTP server: a window on the status, reading only.

Imported and started only where HTTP is configured, and after the children are forked, so that they never carry it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from aiohttp import web

from vrrpd.config.model import ListenAddress
from vrrpd.recording.lines import NoRecordingError
from vrrpd.status import prometheus
from vrrpd.status.model import Snapshot

REQUEST_OCTETS_MAX = 8_192
"""A line or header of a request; nothing that asks for metrics needs more."""
KEEPALIVE_S = 75.0
BACKLOG = 16
RECORDING_TIMEOUT_S = 60.0
"""Who does not read it by then holds it up for others."""
RECORDING_HEADERS = {
    "Content-Type": "application/x-ndjson",
    "Content-Disposition": 'attachment; filename="recording.jsonl"',
    "Cache-Control": "no-store",
}
SHUTDOWN_S = 1.0
"""Scrapes under way at stop get this long to end."""

log = logging.getLogger(__name__)


class HttpServer:
    """Serves /metrics, /healthz, /readyz and /api/v1/recording at one address."""

    def __init__(
        self,
        listen: ListenAddress,
        snapshot: Callable[[], Awaitable[Snapshot]],
        recording: Callable[[], AsyncGenerator[str, None]],
    ) -> None:
        """`recording` gives the lines of a recording, many at a time, or raises NoRecordingError."""
        self.listen = listen
        self._snapshot = snapshot
        self._parts = recording
        application = web.Application()
        application.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._health),
                web.get("/readyz", self._readiness),
                web.get("/api/v1/recording", self._recording, allow_head=False),
            ]
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

    async def _recording(self, request: web.Request) -> web.StreamResponse:
        """A recording that breaks off lacks its last line, so whoever reads it knows."""
        response = web.StreamResponse(headers=RECORDING_HEADERS)
        try:
            async with asyncio.timeout(RECORDING_TIMEOUT_S), aclosing(self._parts()) as parts:
                async for part in parts:
                    if not response.prepared:
                        await response.prepare(request)
                    await response.write(part.encode())
        except (NoRecordingError, TimeoutError) as error:
            if not response.prepared:
                return web.Response(status=503, text=f"no recording: {error}\n")
            log.warning("a recording broke off: %s", error or "it was not read in time")
        await response.write_eof()
        return response

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
