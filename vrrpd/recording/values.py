"""How the values of a recording stand in JSON, and what of them does not.

A number, a text, true, false and null are themselves, a list is a tuple. All else is an object with one key that says what it
is: `{"State": "MASTER"}`, `{"IPv4Address": "192.0.2.1"}`, `{"Heard": {"priority": 100, ...}}`, without the fields that have
their default. Only values of the configuration and the protocol can be in a recording, so reading one makes nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType, ModuleType
from typing import Any

from vrrpd.config import model, position
from vrrpd.config.model import Authentication, Command, HmacKey, Notification, SyncGroup, VirtualRouter
from vrrpd.config.position import Position
from vrrpd.protocol import actions, events, memory, peers, timers, trackers, vrrp_router, wire
from vrrpd.protocol.instance import Instance

Plain = Any
"""What the json module reads and writes."""

WITHHELD: Mapping[tuple[type, str], Callable[[int], object]] = MappingProxyType(
    {
        (Authentication, "password"): lambda number: b"%d" % number,
        (HmacKey, "secret"): lambda number: b"%d" % number,
        (HmacKey, "file"): str,
        (VirtualRouter, "notification"): lambda number: Notification(any=Command((str(number),))),
        (SyncGroup, "notification"): lambda number: Notification(any=Command((str(number),))),
        (VirtualRouter, "position"): lambda number: Position("recording", number),
        (SyncGroup, "position"): lambda number: Position("recording", number),
    }
)
"""Secrets, the command lines of scripts, which may hold some, and what tells of this host's files. A number stands in place of
each, the same for the same value, because whether a reload changes something decides what a virtual router does. What is made
of the number does as well as the value: nothing but the octets of adverts depends on it."""


def _classes(*modules: ModuleType) -> dict[str, type]:
    found = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    return {kind.__name__: kind for kind in found if kind.__module__.startswith("vrrpd.") and _is_value(kind)}


def _is_value(kind: type) -> bool:
    return is_dataclass(kind) or issubclass(kind, Enum) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))


CLASSES = MappingProxyType(_classes(model, position, actions, events, memory, peers, timers, trackers, vrrp_router, wire))
"""By their names, of which no two are alike."""


def _defaults(kind: type[Any]) -> dict[str, object]:
    """The fields of a class with their defaults; MISSING is none."""
    if not is_dataclass(kind):
        known: Mapping[str, object] = getattr(kind, "_field_defaults", {})
        names: tuple[str, ...] = getattr(kind, "_fields", ())
        return {name: known.get(name, MISSING) for name in names}
    return {
        field.name: field.default if field.default_factory is MISSING else field.default_factory() for field in fields(kind)
    }


DEFAULTS: Mapping[type, Mapping[str, object]] = MappingProxyType({kind: _defaults(kind) for kind in CLASSES.values()})


class Writer:
    """Makes plain values of those of one recording."""

    def __init__(self) -> None:
        self._withheld: dict[tuple[type, str, object], int] = {}

    def plain(self, value: object) -> Plain:
        """Raises TypeError where a value has no place in a recording."""
        if isinstance(value, Enum):
            return {type(value).__name__: value.name}
        if value is None or isinstance(value, str | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": str(value)}
        if isinstance(value, Instance):
            return value.number
        if isinstance(value, IPv4Address | IPv6Address):
            return {type(value).__name__: str(value)}
        if isinstance(value, bytes):
            return {"bytes": value.hex()}
        return self._container(value)

    def _container(self, value: object) -> Plain:
        if CLASSES.get(type(value).__name__) is type(value):
            return {type(value).__name__: self._fields(value)}
        if isinstance(value, tuple | list):
            return [self.plain(each) for each in value]
        if isinstance(value, set | frozenset):
            return {"set": [self.plain(each) for each in value]}
        if isinstance(value, Mapping):
            return {"map": [[self.plain(key), self.plain(each)] for key, each in value.items()]}
        raise TypeError(f"{type(value).__name__} has no place in a recording")

    def _fields(self, value: object) -> dict[str, Plain]:
        kind = type(value)
        found = {}
        for name, default in DEFAULTS[kind].items():
            each = getattr(value, name)
            if each == default:
                continue
            if (kind, name) in WITHHELD:
                found[name] = self._withheld.setdefault((kind, name, each), len(self._withheld) + 1)
            else:
                found[name] = self.plain(each)
        return found


def value(plain: Plain) -> object:
    """The value of what the json module has read. Raises ValueError, with what is wrong with it."""
    if isinstance(plain, list):
        return tuple(map(value, plain))
    if not isinstance(plain, dict):
        return plain
    if len(plain) != 1:
        raise ValueError(f"expected an object with one key, not with {len(plain)}")
    [(name, contents)] = plain.items()
    try:
        return _made(name, contents)
    except ValueError:
        raise
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"this is no {name}: {error}") from None


def _made(name: str, contents: Plain) -> object:
    match name:
        case "float":
            return float(contents)
        case "bytes":
            return bytes.fromhex(contents)
        case "set":
            return frozenset(map(value, contents))
        case "map":
            return {value(key): value(each) for key, each in contents}
        case "IPv4Address":
            return IPv4Address(str(contents))
        case "IPv6Address":
            return IPv6Address(str(contents))
    kind = CLASSES.get(name)
    if kind is None:
        raise ValueError(f"there is no {name} in a recording of this version")
    if issubclass(kind, Enum):
        if contents not in kind.__members__:
            raise ValueError(f"there is no {name} called {contents}")
        return kind[contents]
    return kind(**{field: _field(kind, field, each) for field, each in contents.items()})


def _field(kind: type, name: str, plain: Plain) -> object:
    withheld = WITHHELD.get((kind, name))
    return value(plain) if withheld is None else withheld(int(plain))
