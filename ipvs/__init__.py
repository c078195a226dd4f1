"""Linux IPVS from Python: state the table you want, see the difference, apply it in one batch. See docs/ipvs.md.

    from ipaddress import ip_address
    from ipvs.client import Client
    from ipvs.diff import diff
    from ipvs.types import Destination, DestinationKey, Forwarding, Protocol, Row, Service, ServiceKey

    web = ServiceKey(Protocol.TCP, ip_address("192.0.2.15"), 80)
    servers = {DestinationKey(ip_address(f"192.0.2.{i}"), 80): Destination(Forwarding.DR, weight=1) for i in (100, 200)}
    with Client() as client:
        for failure in client.apply(diff({web: Row(Service("wrr"), servers)}, client.table())):
            print(failure)

Nothing is imported here, so that who needs only the types or the netlink framing pays for no more.
"""
