"""How a keyword is declared: once, as data, for the parser, the checks and every page about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypedDict, Unpack

from vrrpd.config.values import Text, ValueType


class Effect(Enum):
    """What a keyword does in this version."""

    BUILT = "has effect"
    NONE = "has no effect yet"
    IGNORED = "has no effect, nor has it any in keepalived"
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
    name: str | None = None
    """What stands for it in a usage line, where its type does not say enough."""

    def usage(self) -> str:
        """`PORT`, `[PORT]` or `[PORT …]`; a name of its own says itself how it goes on."""
        if self.name:
            return f"[{self.name}]" if self.optional and not self.name.startswith("[") else self.name
        shown = self.type.placeholder()
        if self.repeated and " " not in shown:
            shown += " …"
        return f"[{shown}]" if self.optional else shown


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """What each line between the braces of a block of values may be."""

    usage: str
    """One such line."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Words that may stand in it, each with what follows it, and what it does."""


@dataclass(frozen=True, slots=True, eq=False)
class Keyword:
    """One keyword within one block."""

    name: str
    help: str
    """What it is, in one line."""
    arguments: tuple[Argument, ...] = ()
    form: Form = Form.LINE
    effect: Effect = Effect.BUILT
    default: str | None = None
    """What holds where the keyword is absent or wrong, as words."""
    since: str = "1.0"
    """First keepalived release with it; `vrrpd` for our own."""
    unit: str | None = None
    """What a number counts, where its type does not say."""
    family: str | None = None
    """What it is for, where not for every family, version and protocol: `IPv4`, `VRRP version 2`."""
    details: str = ""
    """What else there is to know, in paragraphs: what it does, and what is ignored, cleared or assumed."""
    example: str = ""
    """Lines of a configuration with it."""
    see: tuple[str, ...] = ()
    """Keywords that belong to it."""
    entries: Entries | None = None
    """What its values are, for a block of values."""
    deprecated: bool = False
    """There is a better way to say it; keepalived complains, and so do we."""
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
        words = [one.usage() for one in self.arguments]
        return " ".join([self.name, *words, *(["{ … }"] if self.form is not Form.LINE else [])])


Item = Argument | ValueType


def named(name: str, type_: ValueType) -> Argument:
    """An argument that a usage line shows under this name."""
    return Argument(type_, name=name)


def optional(type_: ValueType, name: str | None = None) -> Argument:
    """An argument that may be absent."""
    return Argument(type_, optional=True, name=name)


def many(type_: ValueType, name: str | None = None) -> Argument:
    """One or more arguments."""
    return Argument(type_, repeated=True, name=name)


def any_number(type_: ValueType, name: str | None = None) -> Argument:
    """No, one or more arguments."""
    return Argument(type_, optional=True, repeated=True, name=name)


COMMAND = many(Text("COMMAND [USER [GROUP]]", is_path=True))
"""A command in quotes, and who runs it."""
PATH = Text("PATH", is_path=True)


def _arguments(items: tuple[Item, ...]) -> tuple[Argument, ...]:
    return tuple(item if isinstance(item, Argument) else Argument(item) for item in items)


class Manual(TypedDict, total=False):
    """What a declaration may say beside its name, its help and its arguments: fields of :class:`Keyword`."""

    default: str
    since: str
    unit: str
    family: str
    details: str
    example: str
    see: tuple[str, ...]
    entries: Entries
    deprecated: bool


def line(
    name: str,
    help: str,  # noqa: A002  the field is called so
    *arguments: Item,
    effect: Effect = Effect.BUILT,
    **manual: Unpack[Manual],
) -> Keyword:
    """A keyword without braces that has effect."""
    return Keyword(name, help, _arguments(arguments), Form.LINE, effect, **manual)


def later(name: str, help: str, *arguments: Item, **manual: Unpack[Manual]) -> Keyword:  # noqa: A002
    """A keyword without braces that has no effect yet."""
    return line(name, help, *arguments, effect=Effect.NONE, **manual)


def refused(name: str, help: str, *arguments: Item, **manual: Unpack[Manual]) -> Keyword:  # noqa: A002
    """A keyword without braces that cannot be ignored."""
    return line(name, help, *arguments, effect=Effect.REFUSED, **manual)


def ignored(name: str, help: str, *arguments: Item, **manual: Unpack[Manual]) -> Keyword:  # noqa: A002
    """A keyword without braces that does nothing, in keepalived either."""
    return line(name, help, *arguments, effect=Effect.IGNORED, **manual)


def block(
    name: str,
    help: str,  # noqa: A002
    *parts: Item | Keyword,
    effect: Effect = Effect.BUILT,
    **manual: Unpack[Manual],
) -> Keyword:
    """A keyword with a block of keywords: first its own arguments, then what may stand in the block."""
    arguments = tuple(part for part in parts if not isinstance(part, Keyword))
    children = {part.name: part for part in parts if isinstance(part, Keyword)}
    return Keyword(name, help, _arguments(arguments), Form.BLOCK, effect, children=children, **manual)


def values(
    name: str,
    help: str,  # noqa: A002
    *arguments: Item,
    effect: Effect = Effect.BUILT,
    **manual: Unpack[Manual],
) -> Keyword:
    """A keyword with a block of values, one on each line."""
    return Keyword(name, help, _arguments(arguments), Form.VALUES, effect, **manual)


def alias(
    name: str,
    of: Keyword,
    help: str | None = None,  # noqa: A002
    *,
    since: str = "1.0",
    lenient: bool = False,
    deprecated: bool = False,
) -> Keyword:
    """Another name for a keyword."""
    return replace(
        of,
        name=name,
        help=help or f"{'Old name of' if deprecated else 'Another name for'} `{of.name}`.",
        since=since,
        means=of.name,
        lenient=lenient,
        deprecated=deprecated,
        details="",
        example="",
        see=(of.name,),
    )


def every(keyword: Keyword) -> Iterator[Keyword]:
    """A keyword and all that stand in it."""
    yield keyword
    for child in keyword.children.values():
        yield from every(child)
