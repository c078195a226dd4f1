"""Lints: what is done as it is written, and is probably not what was wanted.

They are for people who check a file, so the daemon does not run them: some look at the host's own files. What an error or a
warning says already, none of them says again. docs/lints.md has an example and the reason for each.
"""

from __future__ import annotations

from vrrpd.config.diagnostics import Diagnostic, Report
from vrrpd.config.lints.addresses import lint_addresses
from vrrpd.config.lints.adverts import lint_adverts
from vrrpd.config.lints.election import lint_elections
from vrrpd.config.lints.ignored import lint_ignored
from vrrpd.config.lints.pair import lint_pair, pairs
from vrrpd.config.lints.scripts import lint_scripts
from vrrpd.config.lints.servers import lint_servers
from vrrpd.config.lints.subject import subject_of
from vrrpd.config.load import Loaded

__all__ = ["lint", "lint_pair", "pairs"]

THEMES = (lint_addresses, lint_adverts, lint_elections, lint_ignored, lint_scripts, lint_servers)


def lint(loaded: Loaded) -> tuple[Diagnostic, ...]:
    """All lints of one configuration, in the order of its lines; none where it could not be read."""
    subject = subject_of(loaded, Report())
    if subject is None:
        return ()
    for theme in THEMES:
        theme(subject)
    return subject.report.diagnostics(subject.config.files)
