"""VRRP without any I/O: packets, timers and the state machine of one virtual router.

Bytes, events and the time go in; actions come out. :class:`vrrpd.protocol.instance.Instance` is the front door.
"""
