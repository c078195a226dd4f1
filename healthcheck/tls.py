"""TLS for probes: over memory buffers, so that an end without close_notify can be told from a proper one.

asyncio's own TLS hides that difference, and costs more. A context is built once for all checks with equal settings, and again
when one of its files has changed.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from healthcheck.certificate import certificate_end_unix_s
from healthcheck.connection import RECEIVE_OCTETS, CannotProbeError, Failed, PlainStream, converse, within
from healthcheck.sockets import error_text
from healthcheck.types import FIRST_STEP, NetworkCheck, NotProbed, ProbeResult, Round, Sni, Tls, TlsCheck

CONTEXTS_MAX = 64
"""Contexts kept. Each has the authorities it trusts, half a megaoctet for the system's; few files need more than two."""
DAY_S = 86400.0
HOST_AND_PORT = re.compile(r"\[?(.*?)\]?(?::[0-9]*)?")


class TlsStream:
    """A stream within another, after its handshake."""

    def __init__(self, stream: PlainStream, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        self._stream = stream
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self.cut_off = False
        """The stream ended without close_notify."""

    async def send(self, octets: bytes) -> None:
        """Encrypt and hand to the kernel."""
        self._tls.write(octets)
        await self._flush()

    async def receive(self) -> bytes:
        """What came, up to some kilooctets; nothing at the end."""
        while True:
            try:
                return self._tls.read(RECEIVE_OCTETS)
            except ssl.SSLWantReadError:
                await self._fetch()
            except ssl.SSLEOFError:
                self.cut_off = True
                return b""
            except ssl.SSLError as error:
                raise Failed(_words(error)) from error

    async def shake_hands(self) -> None:
        """Agree on keys, and judge the certificate where that is asked for."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._fetch()
            except ssl.SSLError as error:
                self._stream.send_now(self._outgoing.read())  # the alert, which tells the server's log why
                raise Failed(_words(error)) from error
        await self._flush()

    def say_goodbye(self) -> None:
        """Send close_notify; some servers log an error without it."""
        with suppress(ssl.SSLError):  # it wants to wait for the server's
            self._tls.unwrap()
        self._stream.send_now(self._outgoing.read())

    @property
    def protocol(self) -> str | None:
        """What ALPN agreed on."""
        return self._tls.selected_alpn_protocol()

    @property
    def version(self) -> str:
        """`TLSv1.3`."""
        return self._tls.version() or "TLS"

    def certificate_end_unix_s(self) -> float | None:
        """When the server's certificate ends."""
        certificate = self._tls.getpeercert(binary_form=True)
        return None if certificate is None else certificate_end_unix_s(certificate)

    async def _fetch(self) -> None:
        await self._flush()
        octets = await self._stream.receive()
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._stream.send(self._outgoing.read())


@dataclass(frozen=True, slots=True)
class Secured:
    """What a dialogue over TLS needs to begin."""

    tls: Tls
    sni: Sni | None = None
    host: str | None = None
    """The name in the Host header, where there is one."""
    protocols: tuple[str, ...] = ()
    """Of these one must be agreed on (ALPN), unless there are none."""


async def converse_over_tls(
    plain: PlainStream, check: NetworkCheck, ask: Secured, talk: Callable[[TlsStream], Awaitable[str]]
) -> ProbeResult:
    """Shake hands, judge the certificate, `talk`, say good-bye. `talk` returns in words what was found."""
    stream = await _start(plain, check, ask)
    end_unix_s = stream.certificate_end_unix_s()
    try:
        _judge_protocol(stream, ask)
        _judge_days(ask.tls, end_unix_s)
        reason = await talk(stream)
    except Failed as failed:
        return ProbeResult(False, 0.0, str(failed), certificate_end_unix_s=end_unix_s)
    finally:
        stream.say_goodbye()
    return ProbeResult(True, 0.0, reason, certificate_end_unix_s=end_unix_s)


async def probe_tls(check: TlsCheck, _round: Round = FIRST_STEP) -> ProbeResult | NotProbed:
    """Shake hands and look at the certificate."""

    async def talk(stream: TlsStream) -> str:
        return f"{stream.version} agreed on"

    async def dialogue(plain: PlainStream) -> ProbeResult:
        return await converse_over_tls(plain, check, Secured(check.tls, check.sni), talk)

    return await converse(check, dialogue)


async def _start(stream: PlainStream, check: NetworkCheck, ask: Secured) -> TlsStream:
    """The stream within `stream`."""
    tls, sni = ask.tls, ask.sni
    name = sni.name if sni and sni.name else ask.host
    if name is not None:
        matched = HOST_AND_PORT.fullmatch(name)
        name = matched[1] if matched else name
    if tls.verify:
        name = name or str(check.address)
    elif sni is None:
        name = None
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = _context(tls, ask.protocols)
    try:
        inner = TlsStream(stream, context.wrap_bio(incoming, outgoing, server_hostname=name or None), incoming, outgoing)
    except ValueError as error:
        raise CannotProbeError(f"cannot ask for `{name}` over TLS: {error}") from error
    await within(check.connect_timeout_s, "agreeing on TLS", inner.shake_hands())
    return inner


def _judge_protocol(stream: TlsStream, ask: Secured) -> None:
    if ask.protocols and stream.protocol not in ask.protocols:
        raise Failed(f"TLS: the server does not speak {' or '.join(ask.protocols)}")


def _judge_days(tls: Tls, end_unix_s: float | None) -> None:
    """Whether the certificate lasts long enough."""
    if tls.certificate_days_min is None:
        return
    if end_unix_s is None:
        raise Failed("TLS: the certificate does not say when it ends")
    left_days = (end_unix_s - time.time()) / DAY_S
    if left_days < 0:
        raise Failed("TLS: certificate has expired")
    if left_days < tls.certificate_days_min:
        raise Failed(f"TLS: certificate ends in {left_days:.1f} days, at least {tls.certificate_days_min} are wanted")


# -- contexts -------------------------------------------------------------------------------------------------------------


def _context(tls: Tls, protocols: tuple[str, ...]) -> ssl.SSLContext:
    files = tls.files
    ages = tuple(_age(path) for path in (files.authorities, files.certificate, files.key))
    return _built(tls.verify, files.authorities, files.certificate, files.key, files.password, protocols, ages)


def _age(path: str | None) -> int:
    if path is None:
        return 0
    try:
        return Path(path).stat().st_mtime_ns
    except OSError as error:
        raise CannotProbeError(f"cannot read {path}: {error_text(error.errno)}") from error


@lru_cache(CONTEXTS_MAX)
def _built(
    verify: bool,
    authorities: str | None,
    certificate: str | None,
    key: str | None,
    password: str | None,
    protocols: tuple[str, ...],
    _ages: tuple[int, ...],
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = verify
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    path = authorities
    try:
        if verify and authorities is None:
            context.load_default_certs()
        elif verify and authorities is not None:
            directory = Path(authorities).is_dir()
            context.load_verify_locations(None if directory else authorities, authorities if directory else None)
        path = certificate
        if certificate is not None:
            # A key that needs a password and has none would be asked for on the terminal.
            context.load_cert_chain(certificate, key, password=password or "")
    except OSError as error:  # ssl.SSLError is one
        raise CannotProbeError(f"cannot use {path}: {_words(error)}") from error
    return context


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLEOFError):
        return "TLS: the connection was closed"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"TLS: {error.reason.replace('_', ' ').lower()}"
    return f"TLS: {error}"
