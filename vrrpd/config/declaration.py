"""How a keyword is declared: once, as data, for the parser, the checks and every page about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from vrrpd.config.values import Text, ValueType


class Effect(Enum):
    """What a keyword does in this version."""

    BUILT = "has effect"
    NONE = "has no effect yet"
    REFUSED = "is not built yet"
    """Without it the router or server would behave wrongly towards others, so what carries it is left out."""


class Form(Enum):
    """What stands between a keyword's braces."""

    LINE = "no braces"
    BLOCK = "keywords"
    VALUES = "one value per line"


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """One word behind a keyword."""

    type: ValueType
    optional: bool = False
    repeated: bool = False
    """This and all further words."""
    lenient: bool = False
    """A word in the wrong case is read as meant, with a warning."""


@dataclass(frozen=True, slots=True, eq=False)
class Keyword:
    """One keyword within one block."""

    name: str
    help: str
    arguments: tuple[Argument, ...] = ()
    form: Form = Form.LINE
    effect: Effect = Effect.BUILT
    default: str | None = None
    """What holds where the keyword is absent or wrong, as words."""
    since: str = "1.0"
    """First keepalived release with it; `vrrpd` for our own."""
    unit: str | None = None
    """What a number counts, where its type does not say."""
    means: str | None = None
    """The keyword of which this is another name."""
    lenient: bool = False
    """keepalived does not know this name here; it is read as `means`, with a warning."""
    children: Mapping[str, Keyword] = field(default_factory=dict, repr=False)

    required: int = field(init=False)
    """Arguments that must be there; kept, for it is asked of every line."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "required", sum(not argument.optional for argument in self.arguments))

    def usage(self) -> str:
        """The keyword with its arguments as a manual shows it."""
        words = [f"[{one.type.describe()}]" if one.optional else one.type.describe() for one in self.arguments]
        return " ".join([self.name, *words, *(["{ … }"] if self.form is not Form.LINE else [])])


Item = Argument | ValueType


def optional(type_: ValueType) -> Argument:
    """An argument that may be absent."""
    return Argument(type_, optional=True)


def many(type_: ValueType) -> Argument:
    """One or more arguments."""
    return Argument(type_, repeated=True)


def any_number(type_: ValueType) -> Argument:
    """No, one or more arguments."""
    return Argument(type_, optional=True, repeated=True)


COMMAND = many(Text("COMMAND [USER [GROUP]]", is_path=True))
"""A command in quotes, and who runs it."""
PATH = Text("PATH", is_path=True)


def _arguments(items: tuple[Item, ...]) -> tuple[Argument, ...]:
    return tuple(item if isinstance(item, Argument) else Argument(item) for item in items)


def line(
    name: str,
    help: str,  # noqa: A002  the field is called so
    *arguments: Item,
    default: str | None = None,
    since: str = "1.0",
    unit: str | None = None,
    effect: Effect = Effect.BUILT,
) -> Keyword:
    """A keyword without braces that has effect."""
    return Keyword(name, help, _arguments(arguments), Form.LINE, effect, default, since, unit)


def later(
    name: str,
    help: str,  # noqa: A002
    *arguments: Item,
    default: str | None = None,
    since: str = "1.0",
    unit: str | None = None,
) -> Keyword:
    """A keyword without braces that has no effect yet."""
    return line(name, help, *arguments, default=default, since=since, unit=unit, effect=Effect.NONE)


def refused(
    name: str,
    help: str,  # noqa: A002
    *arguments: Item,
    default: str | None = None,
    since: str = "1.0",
) -> Keyword:
    """A keyword without braces that cannot be ignored."""
    return line(name, help, *arguments, default=default, since=since, effect=Effect.REFUSED)


def block(
    name: str,
    help: str,  # noqa: A002
    *parts: Item | Keyword,
    since: str = "1.0",
    effect: Effect = Effect.BUILT,
) -> Keyword:
    """A keyword with a block of keywords: first its own arguments, then what may stand in the block."""
    arguments = tuple(part for part in parts if not isinstance(part, Keyword))
    children = {part.name: part for part in parts if isinstance(part, Keyword)}
    return Keyword(name, help, _arguments(arguments), Form.BLOCK, effect, since=since, children=children)


def values(
    name: str,
    help: str,  # noqa: A002
    *arguments: Item,
    since: str = "1.0",
    effect: Effect = Effect.BUILT,
) -> Keyword:
    """A keyword with a block of values, one on each line."""
    return Keyword(name, help, _arguments(arguments), Form.VALUES, effect, since=since)


def alias(name: str, of: Keyword, *, since: str = "1.0", lenient: bool = False) -> Keyword:
    """Another name for a keyword."""
    return Keyword(name, of.help, of.arguments, of.form, of.effect, of.default, since, of.unit, of.name, lenient, of.children)


def every(keyword: Keyword) -> Iterator[Keyword]:
    """A keyword and all that stand in it."""
    yield keyword
    for child in keyword.children.values():
        yield from every(child)
