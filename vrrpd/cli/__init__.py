"""The command line: `vrrpd` alone runs the daemon with keepalived(8)'s options; subcommands look at it from outside."""

from vrrpd.cli.daemon import main

__all__ = ["main"]
