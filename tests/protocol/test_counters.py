"""Counters."""

from __future__ import annotations

from dataclasses import astuple, fields

from vrrpd.protocol.counters import Counters


def test_all_counters_begin_at_zero() -> None:
    assert set(astuple(Counters())) == {0}


def test_each_counter_counts_by_its_name_and_alone() -> None:
    for field in fields(Counters):
        counters = Counters()
        counters.increment(field.name)
        assert getattr(counters, field.name) == 1
        assert sum(astuple(counters)) == 1
