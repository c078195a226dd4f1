"""Whether adverts can be trusted, and whether they are what the standard has."""

from __future__ import annotations

from vrrpd.config.diagnostics import Code
from vrrpd.config.lints.subject import Subject
from vrrpd.config.model import AuthenticationType, VirtualRouter
from vrrpd.config.settings import merged


def lint_adverts(subject: Subject) -> None:
    """All that is to be said about the adverts of one configuration."""
    for router in subject.config.virtual_routers:
        if router.strict and router.unicast:
            _strict(router, subject)
        elif router.hmac is None and router.authentication.type is AuthenticationType.PASS:
            _clear_text(router, subject)
        elif router.hmac is None and router.unicast and router.authentication.type is AuthenticationType.NONE:
            _unicast(router, subject)


def _strict(router: VirtualRouter, subject: Subject) -> None:
    """RFC 3768 section 5.2.2 and RFC 5798 section 5.1.1.2 know the multicast group alone."""
    subject.report.lint(
        Code.STRICT_CONFLICT,
        subject.line(router.position, "unicast_peer"),
        0,
        f"`{router.name}` is to keep to the standard strictly, and sends unicast adverts, which VRRP does not have",
        advice="remove `unicast_peer`, or strict mode",
    )


def _clear_text(router: VirtualRouter, subject: Subject) -> None:
    kind = merged(subject.block(router.position), "authentication").last("auth_type")
    assert kind is not None
    subject.report.lint(
        Code.CLEAR_TEXT_PASSWORD,
        kind.line,
        1,
        "PASS sends the password in clear text with every advert: whoever hears one can become master. It finds routers "
        "that were configured differently, and keeps nobody out",
        advice="use `auth_hmac`, or let only the routers send IP protocol 112",
    )


def _unicast(router: VirtualRouter, subject: Subject) -> None:
    subject.report.lint(
        Code.UNICAST_WITHOUT_HMAC,
        subject.line(router.position, "unicast_peer"),
        0,
        "unicast adverts cross routers, so whoever can send a packet with a peer's address can become master; multicast ones "
        "must come from the own network",
        advice="use `auth_hmac`, or let only the peers send IP protocol 112",
    )
