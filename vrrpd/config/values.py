"""What a keyword's argument may be: the types of the language, with their ranges.

Each type turns a word into a value, or raises :class:`BadValueError` with what was expected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Protocol

INTEGER = re.compile(r"[ \t]*([+-]?[0-9]{1,20})[ \t]*", re.ASCII)
DECIMAL = re.compile(r"[ \t]*(-?)([0-9]{1,20})?(?:\.([0-9]*))?[ \t]*", re.ASCII)
INTERFACE_NAME_MAX = 15
"""IFNAMSIZ less its terminator."""
UNBOUNDED = 1.8e13
"""The longest time that keepalived can count, in seconds."""
TRUE_WORDS = frozenset({"true", "on", "yes"})
FALSE_WORDS = frozenset({"false", "off", "no"})


class BadValueError(ValueError):
    """A word is no value of the type; the text says what was expected, `near` what may have been meant."""

    def __init__(self, message: str, near: str | None = None) -> None:
        super().__init__(message)
        self.near = near


class ValueType(Protocol):
    """One type of the language."""

    def read(self, word: str) -> object:
        """The value that `word` denotes, or BadValueError."""

    def describe(self) -> str:
        """What fits, as a manual would put it: `1 to 255`."""

    def placeholder(self) -> str:
        """What stands for the word in a usage line: `NUMBER`."""


@dataclass(frozen=True, slots=True, eq=False)
class Integer:
    """A decimal number; leading zeros mean nothing."""

    low: int = 0
    high: int = 2**32 - 1

    def read(self, word: str) -> int:
        match = INTEGER.fullmatch(word)
        if match is None:
            raise BadValueError(f"`{word}` is not a whole number")
        if not self.low <= (value := int(match[1])) <= self.high:
            raise BadValueError(f"{value} is not in the range {self.describe()}")
        return value

    def describe(self) -> str:
        return f"{self.low} to {self.high}"

    def placeholder(self) -> str:
        return "NUMBER"


@dataclass(frozen=True, slots=True, eq=False)
class Seconds:
    """Decimal seconds with up to six digits after the point; further ones are rounded away. No unit is written."""

    low: float = 0.0
    high: float = UNBOUNDED
    unit: str = "seconds"
    """What is counted; BFD counts milliseconds."""

    def read(self, word: str) -> float:
        match = DECIMAL.fullmatch(word)
        if match is None or not (match[2] or match[3]):
            raise BadValueError(f"`{word}` is not a number of {self.unit}", _without_unit(word))
        value = round(float(f"{match[1]}{match[2] or 0}.{match[3] or 0}"), 6)
        if not self.low <= value <= self.high:
            raise BadValueError(f"{value:g} is not in the range {self.describe()}")
        return value

    def describe(self) -> str:
        if self.high == UNBOUNDED:
            return f"{_decimal(self.low)} {self.unit} or more"
        return f"{_decimal(self.low)} to {_decimal(self.high)} {self.unit}"

    def placeholder(self) -> str:
        return self.unit.upper()


def _decimal(number: float) -> str:
    """Without an exponent and without zeros at the end."""
    return f"{number:f}".rstrip("0").rstrip(".")


def _without_unit(word: str) -> str | None:
    """`10s` is `10`."""
    match = re.match(r"[0-9.]+(?=(s|sec|seconds?)$)", word)
    return match[0] if match else None


class Boolean:
    """`true on yes` or `false off no`, in this case only."""

    def read(self, word: str) -> bool:
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        raise BadValueError(
            f"`{word}` is neither true nor false", near=word.lower() if word.lower() in TRUE_WORDS | FALSE_WORDS else None
        )

    def describe(self) -> str:
        return "on, true or yes; off, false or no"

    def placeholder(self) -> str:
        return "on|off"


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    fold_case: bool = False
    """keepalived compares these without regard to case."""

    def read(self, word: str) -> str:
        if word in self.words:
            return word
        near = next((one for one in self.words if one.lower() == word.lower()), None)
        if near and self.fold_case:
            return near
        raise BadValueError(f"`{word}` is not one of {', '.join(self.words)}", near)

    def describe(self) -> str:
        return " or ".join(self.words) if len(self.words) < 3 else f"{', '.join(self.words[:-1])} or {self.words[-1]}"

    def placeholder(self) -> str:
        return "|".join(self.words)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """Any word."""

    what: str = "TEXT"
    is_path: bool = False
    """A path or command, in which `//` is nothing special."""

    def read(self, word: str) -> str:
        return word

    def describe(self) -> str:
        return self.what

    def placeholder(self) -> str:
        return self.what


class InterfaceName:
    """A network interface; it need not exist."""

    def read(self, word: str) -> str:
        if not 0 < len(word) <= INTERFACE_NAME_MAX or "/" in word or word in {".", ".."} or any(map(str.isspace, word)):
            raise BadValueError(f"`{word}` is not the name of an interface: 1 to {INTERFACE_NAME_MAX} characters without `/`")
        return word

    def describe(self) -> str:
        return f"an interface's name of up to {INTERFACE_NAME_MAX} characters"

    def placeholder(self) -> str:
        return "INTERFACE"


@dataclass(frozen=True, slots=True, eq=False)
class IpAddress:
    """An address without a prefix length; a number with a leading zero is ambiguous, so it is none."""

    multicast: bool = False

    def read(self, word: str) -> IPv4Address | IPv6Address:
        address = read_address(word)
        if self.multicast and not address.is_multicast:
            raise BadValueError(f"{address} is not a multicast address")
        return address

    def describe(self) -> str:
        return "a multicast address" if self.multicast else "an IPv4 or IPv6 address"

    def placeholder(self) -> str:
        return "ADDRESS"


def read_address(word: str) -> IPv4Address | IPv6Address:
    """The address, or BadValueError that says which part is wrong."""
    if "%" in word:
        raise BadValueError(f"`{word}` has a zone, which no address here can have", word.partition("%")[0])
    try:
        return IPv6Address(word) if ":" in word else IPv4Address(word)
    except AddressValueError:
        raise BadValueError(f"`{word}` is not an address{_why(word)}", _near_address(word)) from None


def _why(word: str) -> str:
    parts = word.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        return ""
    too_large = next((part for part in parts if int(part) > 255), None)
    return f": {too_large} is more than 255" if too_large else ": a part has a leading zero"


def _near_address(word: str) -> str | None:
    """The same address without leading zeros."""
    parts = word.split(".")
    if len(parts) == 4 and all(part.isascii() and part.isdigit() and len(part) < 10 and int(part) < 256 for part in parts):
        return ".".join(str(int(part)) for part in parts)
    return None


class Endpoint:
    """Where to listen: `ADDRESS:PORT`, `[IPV6]:PORT` or `NAME:PORT`."""

    def read(self, word: str) -> tuple[str, int]:
        match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]/]+)):([0-9]{1,5})", word, re.ASCII)
        if match is None or not 0 < int(match[3]) <= 65535:
            raise BadValueError(f"`{word}` is not an address and port", None)
        host: str = match[1] or match[2]
        if match[1] or host.replace(".", "").isdigit():
            read_address(host)
        return host, int(match[3])

    def describe(self) -> str:
        return "an address or name, and a port"

    def placeholder(self) -> str:
        return "ADDRESS:PORT"
