"""What a virtual router counts. The names in keepalived's JSON dump stand beside each; views translate, nothing computes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Totals since the instance was made. Adverts for an unknown virtual router id are counted by the socket's owner."""

    advertisements_received: int = 0
    """Adverts that passed every check, priority 0 included (`advert_rcvd`)."""
    advertisements_sent: int = 0
    """Adverts sent, priority 0 included (`advert_sent`)."""
    became_master: int = 0
    """Times it went to MASTER (`become_master`)."""
    released_master: int = 0
    """Times it left MASTER (`release_master`)."""
    packet_length_errors: int = 0
    """Packets whose length does not fit their contents (`packet_len_err`)."""
    advert_interval_errors: int = 0
    """Adverts with another interval than ours (`advert_interval_err`; keepalived drops them uncounted)."""
    ttl_errors: int = 0
    """Packets with a TTL other than 255 (`ip_ttl_err`)."""
    version_errors: int = 0
    """Packets of another VRRP version (not in keepalived's JSON; ietf-vrrp `version-errors`)."""
    checksum_errors: int = 0
    """Packets with a wrong checksum (not in keepalived's JSON; ietf-vrrp `checksum-errors`)."""
    invalid_type_received: int = 0
    """Packets of a type other than advertisement (`invalid_type_rcvd`)."""
    address_list_errors: int = 0
    """Adverts whose addresses are not ours; they are used all the same (`addr_list_err`)."""
    invalid_authentication_type: int = 0
    """Adverts with an authentication type that nobody knows (`invalid_authtype`)."""
    authentication_type_mismatch: int = 0
    """Adverts with a known authentication type that is not ours (`authtype_mismatch`)."""
    authentication_failures: int = 0
    """Adverts with another password (`auth_failure`)."""
    priority_zero_received: int = 0
    """Adverts of a master that gives up (`pri_zero_rcvd`)."""
    priority_zero_sent: int = 0
    """Adverts with which we gave up (`pri_zero_sent`)."""

    def increment(self, name: str) -> None:
        """Count one more under a name that a table gives."""
        setattr(self, name, getattr(self, name) + 1)
