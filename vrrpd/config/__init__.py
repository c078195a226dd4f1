"""keepalived.conf: text -> lines with positions -> tree -> typed, frozen model; and what is to be said about it."""

from vrrpd.config.diagnostics import Code, Diagnostic, Note, Severity, render
from vrrpd.config.load import Loaded, default_file, load

__all__ = ["Code", "Diagnostic", "Loaded", "Note", "Severity", "default_file", "load", "render"]
