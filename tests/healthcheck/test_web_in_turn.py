"""Checks of several pages as the scheduler runs them, against a server whose pages break and are mended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from healthcheck.probers import probers
from healthcheck.scheduler import Scheduler
from healthcheck.types import HttpCheck, Pace, Url
from healthcheck.verdict import VerdictChange
from tests.healthcheck.servers import LOCALHOST, PATIENCE_S, closed_again, descriptors_open, serving

PACE = Pace(delay_loop_s=0.02, retry=0, warmup_s=0.0)


class Site:
    """Three pages, each good or bad, and who was asked for them."""

    def __init__(self) -> None:
        self.bad: set[str] = set()
        self.asked: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        self.asked.append(path)
        writer.write(b"HTTP/1.0 %d x\r\n\r\n" % (500 if path in self.bad else 200))
        writer.write_eof()
        await reader.read()


async def run(site: Site, check: HttpCheck, expected: int) -> list[tuple[bool, str, list[str]]]:
    """The first verdicts, each with its reason and the pages asked for since the one before; pages change at each verdict."""
    verdicts: list[tuple[bool, str, list[str]]] = []
    enough = asyncio.Event()

    def on_change(_check: object, change: VerdictChange) -> None:
        verdicts.append((change.up, change.result.reason, site.asked.copy()))
        site.asked.clear()
        site.bad = {"/b"} if change.up else set()
        if len(verdicts) == expected:
            enough.set()

    before = descriptors_open()
    loop = asyncio.get_running_loop()
    async with serving(site) as port:
        scheduler = Scheduler(probers(), on_change, now_s=loop.time(), uniform=lambda low, _high: low)
        try:
            scheduler.attach(loop)
            scheduler.apply([replace(check, port=port)], loop.time())
            await asyncio.wait_for(enough.wait(), PATIENCE_S)
        finally:
            scheduler.close()
    await closed_again(before)
    return verdicts


async def test_up_when_all_pages_were_good_in_a_row_and_down_at_the_first_bad_one() -> None:
    check = HttpCheck(LOCALHOST, 0, PACE, urls=(Url("/a"), Url("/b"), Url("/c")))
    for one in (check, replace(check, fast_recovery=True)):
        assert await run(Site(), one, 3) == [
            (True, "/c: status 200", ["/a", "/b", "/c"]),
            (False, "/b: status 500", ["/a", "/b"]),
            (True, "/a: status 200", ["/b", "/c", "/a"]),
        ]


async def test_fast_recovery_waits_for_nothing() -> None:
    """With a pause of a day between pages only the first would ever be asked for."""
    pace = replace(PACE, delay_loop_s=86400.0)
    check = HttpCheck(LOCALHOST, 0, pace, urls=(Url("/a"), Url("/b"), Url("/c")), fast_recovery=True)
    assert await run(Site(), check, 1) == [(True, "/c: status 200", ["/a", "/b", "/c"])]
