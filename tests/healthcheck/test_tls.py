"""SSL_GET and TLS_CHECK against servers on the loopback interface."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from healthcheck.certificate import certificate_end_unix_s
from healthcheck.tls import probe_tls
from healthcheck.types import HttpVersion, NotProbed, Outcome, ProbeResult, Sni, SslCheck, Tls, TlsCheck, TlsFiles, Url
from healthcheck.web import probe_web
from tests.healthcheck.servers import (
    HOSTILE,
    LOCALHOST,
    NAME,
    PATIENCE_S,
    TIMEOUT_S,
    Authority,
    Handler,
    Issued,
    answering,
    closed_again,
    descriptors_open,
    endless,
    serving,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell"


async def probe(check: SslCheck | TlsCheck) -> Outcome:
    async with asyncio.timeout(PATIENCE_S):
        return await (probe_web(check) if isinstance(check, SslCheck) else probe_tls(check))


async def ask(server: ssl.SSLContext | None, handler: Handler, **settings: object) -> ProbeResult:
    async with serving(handler, server) as port:
        check = SslCheck(LOCALHOST, port, urls=(Url("/"),), version=HttpVersion.HTTP_1_1)
        result = await probe(replace(check, **settings))  # type: ignore[arg-type]
    assert isinstance(result, ProbeResult)
    return result


async def test_a_page_over_tls(issued: Issued) -> None:
    result = await ask(issued.server(), answering(OK))
    assert (result.success, result.reason) == (True, "status 200")
    assert result.certificate_end_unix_s == issued.end.timestamp()


@pytest.mark.parametrize(
    ("sni", "host", "told"),
    [
        (None, "www.example.org", None),
        (Sni(), "www.example.org", "www.example.org"),
        (Sni(), "www.example.org:8443", "www.example.org"),
        (Sni("mail.example.org"), "www.example.org", "mail.example.org"),
        (Sni(), None, None),
        (Sni(), "192.0.2.1", None),
    ],
)
async def test_the_name_that_is_told(issued: Issued, sni: Sni | None, host: str | None, told: str | None) -> None:
    heard: list[str | None] = []
    context = issued.server()
    context.sni_callback = lambda _connection, name, _context: heard.append(name)
    result = await ask(context, answering(OK), sni=sni, urls=(Url("/", virtual_host=host),))
    assert (result.success, heard) == (True, [told])


async def test_a_name_that_cannot_be_told_is_our_own_fault(issued: Issued) -> None:
    async with serving(answering(OK), issued.server()) as port:
        result = await probe(SslCheck(LOCALHOST, port, urls=(Url("/"),), sni=Sni(".example.org")))
    assert isinstance(result, NotProbed)
    assert result.reason.startswith("cannot ask for `.example.org` over TLS")


# -- verification ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "days", "host", "fault"),
    [
        (NAME, 30, NAME, None),
        ("127.0.0.1", 30, None, None),
        (NAME, -1, NAME, "TLS: certificate has expired"),
        ("other.example.org", 30, NAME, f"TLS: Hostname mismatch, certificate is not valid for '{NAME}'"),
        (NAME, 30, None, "TLS: IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
)
async def test_a_certificate_is_verified(
    authority: Authority, name: str, days: float, host: str | None, fault: str | None
) -> None:
    tls = Tls(TlsFiles(authorities=str(authority.file)), verify=True)
    server = authority.issue(name, days).server()
    result = await ask(server, answering(OK), tls=tls, urls=(Url("/", virtual_host=host),))
    assert (result.success, result.reason) == (fault is None, fault or "status 200")
    unverified = await ask(server, answering(OK), urls=(Url("/", virtual_host=host),))
    assert unverified.success


async def test_an_unknown_authority(issued: Issued, tmp_path: Path) -> None:
    tls = Tls(TlsFiles(authorities=str(Authority(tmp_path, "stranger").file)), verify=True)
    for one in (tls, Tls(verify=True)):
        result = await ask(issued.server(), answering(OK), tls=one, urls=(Url("/", virtual_host=NAME),))
        assert (result.success, result.reason) == (False, "TLS: unable to get local issuer certificate")


@pytest.fixture
def directory(authority: Authority, tmp_path: Path) -> Path:
    """One with names by which OpenSSL finds what it looks for."""
    shutil.copy(authority.file, tmp_path)
    subprocess.run(["openssl", "rehash", tmp_path], check=True)
    return tmp_path


async def test_a_directory_of_authorities(issued: Issued, directory: Path) -> None:
    tls = Tls(TlsFiles(authorities=str(directory)), verify=True)
    assert (await ask(issued.server(), answering(OK), tls=tls, urls=(Url("/", virtual_host=NAME),))).success


@pytest.mark.parametrize(
    ("days", "least", "fault"),
    [
        (30, 29, None),
        (30, 31, "TLS: certificate ends in 30.0 days, at least 31 are wanted"),
        (-1, 0, "TLS: certificate has expired"),
    ],
)
async def test_days_to_the_end(authority: Authority, days: float, least: int, fault: str | None) -> None:
    certificate = authority.issue(NAME, days)
    result = await ask(certificate.server(), answering(OK), tls=Tls(certificate_days_min=least))
    assert (result.success, result.reason) == (fault is None, fault or "status 200")
    assert result.certificate_end_unix_s == certificate.end.timestamp()


# -- our own certificate --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demanding(authority: Authority, issued: Issued) -> ssl.SSLContext:
    """A server that wants to see a certificate."""
    context = issued.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # later versions tell the client only after their handshake
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    return context


async def test_a_certificate_of_our_own(authority: Authority, demanding: ssl.SSLContext) -> None:
    own = authority.issue("director", password="secret")
    files = TlsFiles(certificate=str(own.certificate), key=str(own.key), password="secret")
    assert (await ask(demanding, answering(OK), tls=Tls(files))).success
    without = await ask(demanding, answering(OK))
    assert not without.success
    assert without.reason.startswith("TLS: ")


async def test_files_that_cannot_be_used_say_nothing_about_the_server(authority: Authority, tmp_path: Path) -> None:
    own = authority.issue("locked", password="secret")
    missing = str(tmp_path / "missing.pem")
    wrong = {
        TlsFiles(certificate=missing): f"cannot read {missing}: no such file or directory",
        TlsFiles(certificate=str(own.certificate), key=str(own.key)): f"cannot use {own.certificate}: TLS: ",
        TlsFiles(certificate=str(own.certificate), key=str(own.key), password="x"): f"cannot use {own.certificate}: TLS: ",
    }
    for files, expected in wrong.items():
        async with serving(answering(OK)) as port:
            result = await probe(SslCheck(LOCALHOST, port, urls=(Url("/"),), tls=Tls(files)))
        assert isinstance(result, NotProbed)
        assert result.reason.startswith(expected)


async def test_a_file_that_changed_is_read_again(authority: Authority, issued: Issued, tmp_path: Path) -> None:
    trusted = tmp_path / "trusted.pem"
    shutil.copy(Authority(tmp_path, "stranger").file, trusted)
    settings = {"tls": Tls(TlsFiles(authorities=str(trusted)), verify=True), "urls": (Url("/", virtual_host=NAME),)}
    assert not (await ask(issued.server(), answering(OK), **settings)).success
    shutil.copy(authority.file, trusted)
    assert (await ask(issued.server(), answering(OK), **settings)).success


# -- ends -----------------------------------------------------------------------------------------------------------------


async def cutting_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ends the TCP connection and says nothing in TLS."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK)
    await writer.drain()
    opened = writer.get_extra_info("socket")
    opened.shutdown(1)
    await reader.read()


async def test_an_end_without_close_notify(issued: Issued) -> None:
    assert (await ask(issued.server(), cutting_off)).success
    strict = (Url("/", tls_compliant=True),)
    result = await ask(issued.server(), cutting_off, urls=strict)
    assert (result.success, result.reason) == (False, "TLS: closed without saying so (close_notify)")
    assert (await ask(issued.server(), answering(OK), urls=strict)).success


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_server_within_tls(issued: Issued, name: str) -> None:
    before = descriptors_open()
    assert not (await ask(issued.server(), HOSTILE[name], connect_timeout_s=TIMEOUT_S)).success
    await closed_again(before)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("silence", "timed out after 0.3 s agreeing on TLS"),
        ("a byte at a time", "TLS: "),
        ("an endless head", "TLS: wrong version number"),
        ("garbage", "TLS: "),
        ("an early close", "TLS: the connection was closed"),
        ("a reset", "connection reset by peer"),
    ],
)
async def test_a_hostile_server_without_tls(name: str, reason: str) -> None:
    before = descriptors_open()
    result = await ask(None, HOSTILE[name], connect_timeout_s=TIMEOUT_S)
    assert not result.success
    assert result.reason.startswith(reason)
    await closed_again(before)


async def test_a_handshake_that_never_ends() -> None:
    """Records of a long handshake message, one octet each."""
    hello = b"\x16\x03\x03\x00\x04\x02\x00\xff\xff"
    result = await ask(None, endless(hello, b"\x16\x03\x03\x00\x01\x00"), connect_timeout_s=TIMEOUT_S)
    assert not result.success
    assert result.reason.startswith(("TLS: ", "timed out"))


async def test_an_endless_page_within_tls(issued: Issued) -> None:
    url = Url("/", digest=bytes(16))
    result = await ask(issued.server(), endless(b"HTTP/1.0 200 OK\r\n\r\n", bytes(65536)), urls=(url,))
    assert (result.success, result.reason) == (False, "sent more than 16 MiB")


# -- TLS alone ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def openssl_server(issued: Issued) -> Iterator[int]:
    """`openssl s_server`, which is no kin of Python's TLS but by its library."""
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www"]
    command += ["-cert", str(issued.certificate), "-key", str(issued.key)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("ACCEPT "):
                yield int(line.rpartition(":")[2])
                break
    finally:
        process.kill()
        process.communicate()


async def test_tls_without_a_page(authority: Authority, issued: Issued, openssl_server: int) -> None:
    check = TlsCheck(LOCALHOST, openssl_server)
    result = await probe(check)
    assert isinstance(result, ProbeResult)
    assert (result.success, result.reason) == (True, "TLSv1.3 agreed on")
    assert result.certificate_end_unix_s == issued.end.timestamp()
    tls = Tls(TlsFiles(authorities=str(authority.file)), verify=True)
    for sni, success in ((Sni(NAME), True), (Sni("other.example.org"), False)):
        result = await probe(replace(check, tls=tls, sni=sni))
        assert isinstance(result, ProbeResult)
        assert result.success is success
    page = await probe(SslCheck(LOCALHOST, openssl_server, urls=(Url("/"),)))
    assert isinstance(page, ProbeResult)
    assert (page.success, page.reason) == (True, "status 200")


# -- certificates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1.0, 365.0 * 60])
def test_the_end_of_a_certificate(authority: Authority, days: float) -> None:
    """Before 2050 it is written with two digits of the year, later with four."""
    one = authority.issue(NAME, days)
    der = ssl.PEM_cert_to_DER_cert(one.certificate.read_text())
    assert certificate_end_unix_s(der) == one.end.timestamp()
    assert one.end.timestamp() > time.time()


def test_octets_that_are_no_certificate(issued: Issued) -> None:
    der = ssl.PEM_cert_to_DER_cert(issued.certificate.read_text())
    for length in range(0, len(der), 7):
        assert certificate_end_unix_s(der[:length]) is None
    for at in range(len(der)):
        for octet in (0, 0x7F, 0x80, 0x88, 0xFF):
            certificate_end_unix_s(der[:at] + bytes([octet]) + der[at + 1 :])
