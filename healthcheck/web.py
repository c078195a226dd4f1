"""HTTP_GET and SSL_GET: one page of a check in each probe, in turn."""

from __future__ import annotations

from healthcheck.connection import Failed, PlainStream, Stream, converse
from healthcheck.http import fetch
from healthcheck.tls import Secured, TlsStream, converse_over_tls
from healthcheck.types import FIRST_STEP, HttpCheck, HttpVersion, Outcome, ProbeResult, Round, SslCheck, StepPassed, Url


async def probe_web(check: HttpCheck, round_: Round = FIRST_STEP) -> Outcome:
    """Ask for the page whose turn it is. The check has succeeded when all its pages have in a row."""
    step = round_.step % len(check.urls)
    url = check.urls[step]

    async def dialogue(stream: PlainStream) -> ProbeResult:
        if isinstance(check, SslCheck):
            return await _over_tls(stream, check, url)
        return ProbeResult(True, 0.0, await _ask(stream, check, url, "http"))

    result = await converse(check, dialogue)
    if len(check.urls) == 1 or not isinstance(result, ProbeResult):
        return result
    reason = f"{url.path}: {result.reason}"
    passed = round_.passed + 1
    if result.success and passed < len(check.urls):
        following = Round((step + 1) % len(check.urls), passed)
        return StepPassed(result.latency_s, reason, following, check.fast_recovery)
    return ProbeResult(result.success, result.latency_s, reason, certificate_end_unix_s=result.certificate_end_unix_s)


async def _over_tls(plain: PlainStream, check: SslCheck, url: Url) -> ProbeResult:
    async def talk(stream: TlsStream) -> str:
        reason = await _ask(stream, check, url, "https")
        if url.tls_compliant and stream.cut_off:
            raise Failed("TLS: closed without saying so (close_notify)")
        return reason

    protocols = ("h2",) if check.version is HttpVersion.HTTP_2 else ()
    return await converse_over_tls(plain, check, Secured(check.tls, check.sni, url.virtual_host, protocols), talk)


async def _ask(stream: Stream, check: HttpCheck, url: Url, scheme: str) -> str:
    if check.version is not HttpVersion.HTTP_2:
        return await fetch(stream, check, url, to_the_end=url.tls_compliant and scheme == "https")
    from healthcheck.http2 import fetch2  # noqa: PLC0415  its library takes 17 ms and 1.6 MiB, and few need it

    return await fetch2(stream, check, url, scheme)
