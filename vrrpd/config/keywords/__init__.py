"""The keywords of keepalived.conf, each declared once; what is not yet built is here too."""

from __future__ import annotations

from collections.abc import Iterator

from vrrpd.config.declaration import Keyword, block, every
from vrrpd.config.keywords.checkers import SSL
from vrrpd.config.keywords.global_defs import GLOBAL_DEFS, OUTSIDE, VRRPD
from vrrpd.config.keywords.static import STATIC
from vrrpd.config.keywords.tracking import BFD_INSTANCE, TRACK_FILE, VRRP_SCRIPT, VRRP_TRACK_FILE, VRRP_TRACK_PROCESS
from vrrpd.config.keywords.virtual_server import VIRTUAL_SERVER, VIRTUAL_SERVER_GROUP
from vrrpd.config.keywords.vrrp import VRRP_INSTANCE, VRRP_SYNC_GROUP

ROOT = block(
    "",
    "The file itself.",
    *OUTSIDE, GLOBAL_DEFS, VRRP_INSTANCE, VRRP_SYNC_GROUP, VRRP_SCRIPT, VRRP_TRACK_PROCESS, TRACK_FILE, VRRP_TRACK_FILE,
    *STATIC, BFD_INSTANCE, SSL, VIRTUAL_SERVER_GROUP, VIRTUAL_SERVER, VRRPD,
)  # fmt: skip
"""What may stand outside of every block."""


def all_keywords() -> Iterator[Keyword]:
    """Every keyword in every block; one that several blocks share comes several times."""
    keywords = every(ROOT)
    next(keywords)
    return keywords


PATH_KEYWORDS = frozenset(
    keyword.name for keyword in all_keywords() if keyword.arguments and getattr(keyword.arguments[0].type, "is_path", False)
)
"""Keywords behind which `//` begins a path."""
