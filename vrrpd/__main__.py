"""`python -m vrrpd`."""

from vrrpd.cli import main

main()
