"""Mail, sent to a real SMTP server on the loopback interface."""

from __future__ import annotations

import asyncio
import email
import email.policy
import email.utils
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from vrrpd.config.model import Mail
from vrrpd.notify import mail as module
from vrrpd.notify.mail import QUEUE_MAX, RETRY_DELAY_S, TRIES_MAX, Mailed, Mailer, compose
from vrrpd.status.events import QuorumChanged, RealServerChanged, SyncGroupChanged, VirtualRouterChanged

PATIENCE_S = 20.0
"""How long a test waits for what must come; reached only when it fails."""

AT = 1_700_000_000.0
MASTER = VirtualRouterChanged(AT, "VI_1", "eth0", 51, "BACKUP", "MASTER", "master-timeout", mail=True)
DOWN = RealServerChanged(AT, "[192.0.2.100]:tcp:80", "[192.0.2.11]:tcp:80", up=False, reason="connection refused", mail=True)
QUORUM_LOST = QuorumChanged(AT, "[192.0.2.100]:tcp:80", up=False, alive_weight=0, quorum=1, mail=True)


@dataclass(frozen=True)
class Letter:
    """What the mail server was handed."""

    sender: str
    recipients: list[str]
    encrypted: bool
    helo_name: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])


class PostOffice:
    """An SMTP server, in aiosmtpd's words a handler."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.refused_recipients: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()
        self.arriving = 0
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def serve(self, bound: socket.socket, **options: Any) -> None:
        self._server = await asyncio.get_running_loop().create_server(lambda: SMTP(self, **options), sock=bound)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refused_recipients:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.arriving += 1
        self._news.set()
        await self.open.wait()
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        encrypted = session.ssl is not None
        self.letters.append(Letter(envelope.mail_from, envelope.rcpt_tos, encrypted, session.host_name, message))
        self._news.set()
        return "250 OK"

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_letters(self, count: int) -> list[Letter]:
        await self.until(lambda: len(self.letters) >= count)
        return self.letters


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    """A port where nobody listens yet: connections are refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture
async def office(bound: socket.socket) -> AsyncIterator[PostOffice]:
    office = PostOffice()
    yield office
    await office.close()


@pytest.fixture
def settings(bound: socket.socket) -> Mail:
    host, port = bound.getsockname()
    recipients = ("ops@example.org", "Night Shift <night@example.org>")
    return Mail(recipients, "lb1@example.org", host, port, helo_name="lb1.example.org", connect_timeout_s=PATIENCE_S)


@pytest.fixture
async def mailer(settings: Mail) -> AsyncIterator[Mailer]:
    mailer = Mailer(settings, "lb1")
    yield mailer
    await mailer.close()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    assert RETRY_DELAY_S >= 1.0
    monkeypatch.setattr(module, "RETRY_DELAY_S", 0.01)


def received(message: EmailMessage) -> EmailMessage:
    """The message as it is read by whoever gets it."""
    return email.message_from_bytes(bytes(message), policy=email.policy.default)


# ---- what is sent


async def test_mail_reaches_every_recipient(mailer: Mailer, bound: socket.socket, office: PostOffice) -> None:
    await office.serve(bound)
    mailer.hear(MASTER)
    (letter,) = await office.until_letters(1)
    assert letter.sender == "lb1@example.org"
    assert letter.recipients == ["ops@example.org", "night@example.org"]
    assert letter.helo_name == "lb1.example.org"
    assert letter.subject == "[lb1] VRRP Instance VI_1 - Entering MASTER state"
    assert letter.message["To"] == "ops@example.org, Night Shift <night@example.org>"
    assert letter.message["From"] == "lb1@example.org"
    assert letter.message["X-Mailer"] == "vrrpd"
    assert letter.message.get_content().rstrip() == MASTER.headline()


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (MASTER, "VRRP Instance VI_1 - Entering MASTER state"),
        (replace(MASTER, new="BACKUP"), "VRRP Instance VI_1 - Entering BACKUP state"),
        (replace(MASTER, new="FAULT"), "VRRP Instance VI_1 - Entering FAULT state"),
        (DOWN, "Realserver [192.0.2.11]:tcp:80 of virtual server [192.0.2.100]:tcp:80 - DOWN"),
        (replace(DOWN, up=True), "Realserver [192.0.2.11]:tcp:80 of virtual server [192.0.2.100]:tcp:80 - UP"),
        (QUORUM_LOST, "Virtualserver [192.0.2.100]:tcp:80 - DOWN"),
        (replace(QUORUM_LOST, up=True), "Virtualserver [192.0.2.100]:tcp:80 - UP"),
    ],
)
def test_subjects_are_keepalived_s(event: Mailed, subject: str) -> None:
    message = compose(event, Mail(("ops@example.org",), server="mail"), "lb1")
    assert message["Subject"] == f"[lb1] {subject}"
    assert received(message).get_content().rstrip() == event.headline()


def test_the_date_is_when_it_happened() -> None:
    message = compose(MASTER, Mail(("ops@example.org",), server="mail"), "lb1")
    assert email.utils.parsedate_to_datetime(message["Date"]).timestamp() == AT


def test_without_a_configured_sender_it_is_this_user_at_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Mail(("ops@example.org",), server="mail")
    monkeypatch.setenv("USER", "haadmin")
    assert compose(MASTER, settings, "lb1")["From"] == f"haadmin@{socket.gethostname()}"
    monkeypatch.delenv("USER")
    assert compose(MASTER, settings, "lb1")["From"] == f"root@{socket.gethostname()}"


async def test_mails_arrive_in_the_order_of_the_events(mailer: Mailer, bound: socket.socket, office: PostOffice) -> None:
    await office.serve(bound)
    for event in (MASTER, DOWN, QUORUM_LOST):
        mailer.hear(event)
    letters = await office.until_letters(3)
    assert [letter.subject.split()[1] for letter in letters] == ["VRRP", "Realserver", "Virtualserver"]


# ---- what is not sent


@pytest.mark.parametrize(
    ("changes", "event"),
    [
        ({"server": None}, MASTER),
        ({"server": ""}, MASTER),
        ({"recipients": ()}, MASTER),
        ({}, replace(MASTER, mail=False)),
        ({}, replace(DOWN, mail=False)),
        ({}, replace(QUORUM_LOST, mail=False)),
        ({"of_faults": False}, replace(MASTER, new="FAULT")),
        ({"of_faults": False}, SyncGroupChanged(AT, "G", "MASTER", "FAULT", mail=True)),
    ],
)
async def test_what_nobody_asked_for_is_not_sent(
    changes: dict[str, Any], event: Mailed, settings: Mail, bound: socket.socket, office: PostOffice
) -> None:
    await office.serve(bound)
    mailer = Mailer(replace(settings, **changes), "lb1")
    mailer.hear(event)
    mailer.configure(settings, "lb1")
    mailer.hear(DOWN)
    (letter,) = await office.until_letters(1)
    assert letter.subject.startswith("[lb1] Realserver"), "what was heard before would have come first"
    await mailer.close()


async def test_mail_switched_off_meanwhile_is_not_sent_and_settings_changed_meanwhile_hold(
    mailer: Mailer, settings: Mail, bound: socket.socket, office: PostOffice
) -> None:
    await office.serve(bound)
    office.open.clear()
    mailer.hear(MASTER)
    await office.until(lambda: office.arriving == 1)
    mailer.hear(DOWN)
    mailer.configure(replace(settings, server=None), "lb1")
    office.open.set()
    await office.until_letters(1)
    await until_true(mailer._queue.empty)
    mailer.configure(replace(settings, recipients=("new@example.org",)), "lb2")
    mailer.hear(QUORUM_LOST)
    _first, letter = await office.until_letters(2)
    assert letter.subject == "[lb2] Virtualserver [192.0.2.100]:tcp:80 - DOWN"
    assert letter.recipients == ["new@example.org"]


# ---- servers that are slow, away, or not what they should be


async def test_of_too_many_mails_the_oldest_go(
    settings: Mail, bound: socket.socket, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert QUEUE_MAX >= 100
    monkeypatch.setattr(module, "QUEUE_MAX", 5)
    mailer = Mailer(settings, "lb1")
    await office.serve(bound)
    office.open.clear()
    mailer.hear(replace(MASTER, name="0"))
    await office.until(lambda: office.arriving == 1)
    for number in range(1, 9):
        mailer.hear(replace(MASTER, name=str(number)))
    assert mailer.dropped == 3
    office.open.set()
    letters = await office.until_letters(6)
    assert [letter.subject.split()[3] for letter in letters] == ["0", "4", "5", "6", "7", "8"]
    await mailer.close()


async def test_a_server_that_comes_back_gets_the_mail(
    mailer: Mailer, bound: socket.socket, office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    mailer.hear(MASTER)
    await until_logged(caplog, 1)
    await office.serve(bound)
    (letter,) = await office.until_letters(1)
    assert letter.subject.endswith("Entering MASTER state")
    assert all(message.endswith("tried again in 0.01 s") for message in caplog.messages)


async def until_logged(caplog: pytest.LogCaptureFixture, count: int) -> list[str]:
    await until_true(lambda: len(caplog.messages) >= count)
    return caplog.messages


async def until_true(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # neither a queue nor a log tells of what happens to it
            await asyncio.sleep(0.001)


async def test_mail_is_given_up_after_some_tries_and_the_next_has_its_own(
    mailer: Mailer, bound: socket.socket, office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    mailer.hear(MASTER)
    messages = await until_logged(caplog, TRIES_MAX)
    assert messages[0].startswith(f"mail to 127.0.0.1 port {bound.getsockname()[1]} failed: ")
    assert [message.rpartition("; ")[2] for message in messages] == ["tried again in 0.01 s"] * (TRIES_MAX - 1) + ["given up"]
    await office.serve(bound)
    mailer.hear(DOWN)
    (letter,) = await office.until_letters(1)
    assert letter.subject.endswith("DOWN")


async def test_a_recipient_that_is_refused_keeps_no_other_from_getting_it(
    mailer: Mailer, bound: socket.socket, office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    await office.serve(bound)
    office.refused_recipients = {"ops@example.org"}
    mailer.hear(MASTER)
    (letter,) = await office.until_letters(1)
    assert letter.recipients == ["night@example.org"]
    (message,) = await until_logged(caplog, 1)
    assert message.endswith("ops@example.org is refused: nobody of that name")


@pytest.mark.parametrize("server", ["mail..example.org", "x" * 300, "mail.invalid", "\udce4", "a b", "-"])
async def test_a_server_that_is_none_costs_the_mail_and_nothing_else(
    server: str, mailer: Mailer, settings: Mail, bound: socket.socket, office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    mailer.configure(replace(settings, server=server), "lb1")
    mailer.hear(MASTER)
    await until_logged(caplog, TRIES_MAX)
    await office.serve(bound)
    mailer.configure(settings, "lb1")
    mailer.hear(DOWN)
    await office.until_letters(1)


@pytest.mark.parametrize(
    "greeting", [b"", b"\r\n", b"\xff\xfe\0\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220" + b"x" * 100_000, b"999 \r\n"]
)
async def test_a_server_that_speaks_no_smtp_costs_the_mail_and_nothing_else(
    greeting: bytes, mailer: Mailer, bound: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(speak, sock=bound)
    mailer.hear(MASTER)
    mailer.hear(DOWN)
    messages = await until_logged(caplog, 2 * TRIES_MAX)
    assert [message.endswith("given up") for message in messages] == [False, False, True] * 2
    server.close()
    await server.wait_closed()


async def test_closing_waits_for_no_server(mailer: Mailer, bound: socket.socket, office: PostOffice) -> None:
    await office.serve(bound)
    office.open.clear()
    mailer.hear(MASTER)
    await office.until(lambda: office.arriving == 1)
    async with asyncio.timeout(PATIENCE_S / 2):
        await mailer.close()
    assert office.letters == []
    office.open.set()


async def test_closing_what_never_sent_anything_is_no_matter(settings: Mail) -> None:
    await Mailer(settings, "lb1").close()


# ---- encryption


@pytest.fixture
def own_certificate(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that nobody signed, such as Debian gives every mail server."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *options.split(), *files], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_what_the_server_can_encrypt_is_encrypted_whoever_signed_for_it(
    mailer: Mailer, bound: socket.socket, office: PostOffice, own_certificate: ssl.SSLContext
) -> None:
    await office.serve(bound, tls_context=own_certificate)
    mailer.hear(MASTER)
    (letter,) = await office.until_letters(1)
    assert letter.encrypted


# ---- names


def test_no_header_can_be_smuggled_in() -> None:
    poison = "x\r\nBcc: everybody@example.org\n\nDear all"
    for event in (replace(MASTER, name=poison), replace(DOWN, real_server=poison), replace(QUORUM_LOST, virtual_server=poison)):
        settings = Mail((poison,), poison, "mail")
        message = received(compose(event, settings, poison))
        assert sorted(message.keys()) == sorted(
            ["Date", "From", "To", "Subject", "X-Mailer", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
        )
        assert "Dear all" in message["Subject"], "it stands there as what it is"


@given(name=st.text(st.characters()), sender=st.text(st.sampled_from('ab@<>"(),;:\\[]. \t\n\xe4\udce4')), router_id=st.text())
def test_no_name_raises(name: str, sender: str, router_id: str) -> None:
    settings = Mail((sender, name), sender, "mail")
    for event in (replace(MASTER, name=name), replace(DOWN, reason=name), replace(QUORUM_LOST, virtual_server=name)):
        assert bytes(compose(event, settings, router_id))


@pytest.mark.parametrize(
    "address", ["", "@", "<>", '"', "a b", "m\xfcller@example.org", "\udce4@example.org", "x" * 2000, "a\nb@c"]
)
async def test_an_address_that_is_none_costs_the_mail_and_nothing_else(
    address: str, mailer: Mailer, settings: Mail, bound: socket.socket, office: PostOffice
) -> None:
    await office.serve(bound)
    mailer.configure(replace(settings, recipients=(address,), sender=address), "lb1")
    mailer.hear(MASTER)
    await until_true(mailer._queue.empty)
    mailer.hear(DOWN)
    mailer.configure(settings, "lb1")
    await office.until(lambda: any(letter.subject.endswith("DOWN") for letter in office.letters))
