"""Routers on a network in virtual time: what the daemons of some configurations would do, from one second to the next.

The state machines are those of production (:class:`vrrpd.protocol.vrrp_router.VrrpRouter`); the clock, the network, the
kernel and the clients are made here. `world` puts them together, `faults` tells what can happen, `checkers` what must hold,
`timeline` what is shown. Nothing here reads a clock, opens a socket or draws a number that the seed does not fix.
"""
