"""A highly available Linux director: VRRP, virtual addresses, IPVS and health checks."""

__version__ = "0.1.0"
