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
    ip_header_errors: int = 0
    """Fragments, and packets of another family or protocol (ours; no socket hands over such)."""
    advert_interval_errors: int = 0
    """Adverts with another interval than ours in version 2, or none in version 3 (`advert_interval_err`; keepalived drops them
    uncounted)."""
    ttl_errors: int = 0
    """Packets with a TTL other than 255, or, of a unicast peer, out of its bounds (`ip_ttl_err`)."""
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
    """Adverts with a known authentication type that is not ours, or with or without an authentication header unlike ours
    (`authtype_mismatch`)."""
    authentication_failures: int = 0
    """Adverts with another password, or an authentication header that does not hold or came before (`auth_failure`)."""
    keyed_hash_missing: int = 0
    """Adverts without a keyed hash where one must be (`auth_ext_missing`)."""
    keyed_hash_malformed: int = 0
    """Adverts with something else in place of a keyed hash (`auth_ext_malformed`)."""
    keyed_hash_unknown_key: int = 0
    """Adverts with a keyed hash by a key that is not ours (`auth_ext_unknown_key`)."""
    keyed_hash_wrong: int = 0
    """Adverts with a keyed hash that does not hold (`auth_ext_invalid_hmac`)."""
    keyed_hash_stale: int = 0
    """Adverts with a keyed hash of another time than now (`auth_ext_stale`)."""
    keyed_hash_replayed: int = 0
    """Adverts with a keyed hash that was heard before (`auth_ext_replay`)."""
    destination_errors: int = 0
    """Adverts to another group, to us alone where a group is meant, or to a group where peers are meant (ours)."""
    source_errors: int = 0
    """Adverts of somebody who is no unicast peer, where peers are minded (ours)."""
    own_address_heard: int = 0
    """Packets with our own address as their source: somebody else uses it, or the network sends ours back (ours)."""
    ignored_as_owner: int = 0
    """Adverts that were good, and heeded by no owner of the addresses (`owner_ignore_adverts`; ours)."""
    priority_zero_received: int = 0
    """Adverts of a master that gives up (`pri_zero_rcvd`)."""
    priority_zero_sent: int = 0
    """Adverts with which we gave up (`pri_zero_sent`)."""

    def increment(self, name: str) -> None:
        """Count one more under a name that a table gives."""
        setattr(self, name, getattr(self, name) + 1)
