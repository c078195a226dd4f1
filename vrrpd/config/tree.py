"""Logical lines to a tree of declared keywords, each with its arguments read.

Everything that can be said about a keyword on its own is said here, once: that it is unknown, lacks an argument or has a wrong
one. The binder sees only what is sound.

A misplaced brace would make nonsense of all that follows, so the file's braces are counted first. Where some are missing, a
keyword that is unknown here but known in a block around this one shows where the brace should be; where there are too many, a
keyword known in the block that was closed last shows which one is wrong. An unknown block is left out; what
stands in it is checked all the same if its name is near to that of a known one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from vrrpd.config.declaration import Argument, Form, Keyword
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import Line, Mark, is_undefined
from vrrpd.config.near import nearest
from vrrpd.config.values import FALSE_WORDS, BadValueError

MANDATORY = frozenset({"interface", "virtual_router_id"})
"""What a virtual router cannot do without."""
VALUES_KEPT_MAX = 4096
"""Keywords with sound arguments that are remembered; a file in which none recurs must not fill the memory."""
ANYTHING = ""
"""In :attr:`Node.meant`: a keyword that came from an undefined definition."""
BLOCK, VALUES, LINE = Form.BLOCK, Form.VALUES, Form.LINE
WORDS, OPEN, CLOSE = Mark.WORDS, Mark.OPEN, Mark.CLOSE
"""Looked up for every line, and an enumeration's members are found slowly."""
NO_NODES: list[Node] = []
NO_LINES: list[Line] = []
"""What stands in a keyword without braces: most are, and a list for each would take much memory."""


class Node:
    """One occurrence of a keyword."""

    __slots__ = ("_in_force", "children", "entries", "keyword", "line", "meant", "sound", "values")

    def __init__(self, keyword: Keyword, line: Line) -> None:
        self.keyword = keyword
        self.line = line
        self.values: tuple[object, ...] = ()
        """The arguments' values, as many as there were; empty unless `sound`."""
        self.sound = True
        self.children: list[Node] = [] if keyword.form is BLOCK else NO_NODES
        """Keywords of a keyword block, those that are not sound too."""
        self.entries: list[Line] = [] if keyword.form is VALUES else NO_LINES
        """Lines of a value block."""
        self.meant: frozenset[str] = frozenset()
        """Keywords that unknown ones in this block were probably meant to be; `ANYTHING` where nobody can tell."""
        self._in_force: dict[str, Node] | None = None

    @property
    def name(self) -> str:
        """The keyword's name, whichever alias was written."""
        return self.keyword.means or self.keyword.name

    def all(self, name: str) -> list[Node]:
        """The sound occurrences of a keyword in this block, in order."""
        if name not in self.in_force():
            return []
        return [child for child in self.children if child.sound and child.name == name]

    def last(self, name: str) -> Node | None:
        """The sound occurrence that holds: of several, the last."""
        in_force = self._in_force
        return (self.in_force() if in_force is None else in_force).get(name)

    def in_force(self) -> Mapping[str, Node]:
        """What holds in this block: the last sound occurrence of each keyword."""
        if self._in_force is None:
            self._in_force = {child.keyword.means or child.keyword.name: child for child in self.children if child.sound}
        return self._in_force

    def mentions(self, name: str) -> bool:
        """Whether the keyword occurs, sound or not or misspelled; what is wrong with it has then been said."""
        return bool(self.meant & {name, ANYTHING}) or any(child.name == name for child in self.children)


class TreeBuilder:
    """Turns the lines of one configuration into a tree."""

    def __init__(self, root: Keyword, lines: Sequence[Line], report: Report) -> None:
        self._report = report
        self._rest = iter(lines)
        self._next = next(self._rest, None)
        """The line to be read next."""
        self._pushed: list[Line] = []
        """Lines to be read before the rest, in reverse order."""
        self._values: dict[tuple[Keyword, tuple[str, ...]], tuple[object, ...]] = {}
        """What was read from keywords and words about which there was nothing to say."""
        self._root = Node(root, lines[0] if lines else Line(WORDS, [], "", 1, ""))
        self._stack = [self._root]
        self._closed: tuple[Node, Line] | None = None
        balance = sum((line.mark is OPEN) - (line.mark is CLOSE) for line in lines)
        self._missing = max(0, balance)
        """Closing braces that the file lacks and that were not yet accounted for."""
        self._surplus = max(0, -balance)

    def build(self) -> Node:
        """The root, whose children are the file's top-level keywords."""
        while (line := self._next) is not None:
            self._advance()
            if line.mark is WORDS:
                self._words(line)
            elif line.mark is CLOSE:
                self._close(line)
            else:
                self._unexpected_open(line)
        if len(self._stack) > 1:
            self._never_closed()
        return self._root

    # -- lines --------------------------------------------------------------------------------

    def _words(self, line: Line) -> None:
        here = self._stack[-1]
        if here.keyword.form is VALUES:
            if not (self._missing and line.words[0] in self._stack[-2].keyword.children):
                here.entries.append(line)
                return
            self._not_closed_before(line, len(self._stack) - 1)
            here = self._stack[-1]
        keyword = here.keyword.children.get(line.words[0])
        if keyword is None:
            keyword = self._astray(line)
        if keyword is None:
            self._unknown(line)
            return
        self._known(keyword, line)

    def _known(self, keyword: Keyword, line: Line) -> None:
        node = Node(keyword, line)
        here = self._stack[-1]
        self._read_arguments(node)
        here.children.append(node)
        following = self._next
        followed_by_brace = following is not None and following.mark is OPEN
        if keyword.form is LINE:
            if following is not None and followed_by_brace:
                self._advance()
                self._unexpected_open(following)
            return
        if followed_by_brace:
            self._advance()
        elif following is not None:
            self._report.error(
                Code.MISSING_BRACE, line, 0, f"`{keyword.name}` needs a block, but no `{{` follows", assumed="`{` stands here"
            )
            self._surplus = max(0, self._surplus - 1)
        self._stack.append(node)

    def _close(self, line: Line) -> None:
        if len(self._stack) > 1:
            self._closed = (self._stack.pop(), line)
            return
        if self._surplus:
            self._surplus_brace(line)

    # -- what is wrong with braces --------------------------------------------------------------------------------

    def _astray(self, line: Line) -> Keyword | None:
        """A keyword unknown here, where braces do not balance: close or reopen blocks until it is known."""
        word = line.words[0]
        if self._missing:
            for depth in range(len(self._stack) - 2, -1, -1):
                keyword = self._stack[depth].keyword.children.get(word)
                if keyword is not None:
                    self._not_closed_before(line, depth + 1)
                    return keyword
        if self._surplus and self._closed:
            node, brace = self._closed
            keyword = node.keyword.children.get(word)
            if keyword is not None:
                self._surplus_brace(brace)
                self._stack.append(node)
                return keyword
        return self._of_unopened_block(line) if self._surplus else None

    def _of_unopened_block(self, line: Line) -> Keyword | None:
        """A keyword of a block within this one, where the line that opens it is missing."""
        word = line.words[0]
        for block in self._stack[-1].keyword.children.values():
            keyword = block.children.get(word)
            if keyword is not None:
                self._surplus -= 1
                self._report.error(
                    Code.MISSING_BRACE,
                    line,
                    0,
                    f"`{word}` belongs into `{block.name}`, which is not opened here",
                    assumed=f"a `{block.name}` begins here" + (", which is left out" if block.required else ""),
                    advice=f"add `{block.usage().replace('…', '').rstrip(' }')}`",
                )
                node = Node(block, line)
                node.sound = not block.required
                self._stack[-1].children.append(node)
                self._stack.append(node)
                return keyword
        return None

    def _not_closed_before(self, line: Line, depth: int) -> None:
        """Close the open blocks from `depth` on, whose brace is missing in front of `line`."""
        blocks = self._stack[depth:]
        self._missing = max(0, self._missing - len(blocks))
        opened = blocks[0]
        self._report.error(
            Code.MISSING_BRACE,
            opened.line,
            0,
            f"`{opened.keyword.name}` is not closed: `{line.words[0]}` at {line.file}:{line.number} does not belong into it",
            assumed=f"`}}` stands before line {line.number}",
            advice=f"add `}}` before line {line.number}",
        )
        del self._stack[depth:]

    def _never_closed(self) -> None:
        outer = self._stack[1].line
        names = ", ".join(f"`{node.keyword.name}` opened at line {node.line.number}" for node in self._stack[1:])
        count = len(self._stack) - 1
        self._report.error(
            Code.MISSING_BRACE,
            outer,
            0,
            f"{'a closing brace is' if count == 1 else f'{count} closing braces are'} missing at the end of the file: {names}",
            assumed="the file's end closes it" if count == 1 else "the file's end closes them",
            advice=f"add `{'}' * count}`",
        )

    def _surplus_brace(self, line: Line) -> None:
        self._surplus -= 1
        self._report.error(
            Code.SURPLUS_BRACE, line, 0, "this `}` closes nothing", assumed="it is not there", advice="remove it"
        )

    def _unexpected_open(self, line: Line) -> None:
        self._report.error(
            Code.UNEXPECTED_BRACE,
            line,
            0,
            "no block may begin here",
            assumed="all up to its `}` is left out",
            advice="remove the braces",
        )
        self._skip_to_close()

    def _skip_to_close(self) -> None:
        """Go on behind the brace that closes the block just opened, or where the file ends."""
        depth = 1
        while depth and (line := self._next) is not None:
            self._advance()
            if line.mark is OPEN:
                depth += 1
            elif line.mark is CLOSE:
                depth -= 1
        self._missing = max(0, self._missing - depth)

    def _advance(self) -> None:
        """Go on to the next line."""
        self._next = self._pushed.pop() if self._pushed else next(self._rest, None)

    def _push(self, lines: Sequence[Line]) -> None:
        """Have these lines read before the next one."""
        self._pushed += [*([self._next] if self._next else []), *reversed(lines)]
        self._advance()

    # -- what is wrong with keywords --------------------------------------------------------------------------------

    def _unknown(self, line: Line) -> None:
        """Report a keyword that this block does not have; if a block follows it, check that as what was probably meant."""
        here = self._stack[-1]
        opens_block = self._next is not None and self._next.mark is OPEN
        near = self._nearest_keyword(line.words[0], here.keyword, opens_block)
        if is_undefined(line.words[0]):
            here.meant |= {ANYTHING}
        else:
            here.meant |= {near.name} if near else frozenset()
            self._report_unknown(line, here.keyword, near)
        if not opens_block:
            return
        self._advance()
        if near is None or near.form is LINE:
            self._skip_to_close()
        else:
            self._stack.append(Node(near, line))

    def _nearest_keyword(self, word: str, block: Keyword, opens_block: bool) -> Keyword | None:
        """What `word` probably means in `block`: where braces follow it, rather a keyword that has braces."""
        if is_undefined(word) or not self._report.has_room():
            return None
        with_braces = [name for name, one in block.children.items() if one.form is not LINE]
        near = (nearest(word, with_braces) if opens_block else None) or nearest(word, block.children)
        return block.children[near] if near else None

    def _report_unknown(self, line: Line, block: Keyword, near: Keyword | None) -> None:
        word = line.words[0]
        place = f"in `{block.name}`" if block.name else "outside of blocks"
        belongs = next((node.keyword.name for node in reversed(self._stack) if word in node.keyword.children), None)
        if belongs is None and near is None:
            belongs = next((name for name, one in self._root.keyword.children.items() if word in one.children), None)
        advice = f"did you mean `{near.name}`?" if near else f"it belongs into `{belongs}`" if belongs else None
        self._report.error(
            Code.UNKNOWN_KEYWORD, line, 0, f"unknown keyword `{word}` {place}", assumed="it is left out", advice=advice
        )

    def _read_arguments(self, node: Node) -> None:
        """Read the words behind a keyword as its declaration says. Large files say the same over and over: once is enough."""
        same = (node.keyword, tuple(node.line.words))
        known = self._values.get(same)
        if known is not None:
            node.values = known
        elif self._read_words(node) and len(self._values) < VALUES_KEPT_MAX:
            self._values[same] = node.values

    def _read_words(self, node: Node) -> bool:
        """Read the words; whether they are sound, and nothing is ever to be said about them."""
        keyword, line = node.keyword, node.line
        if keyword.lenient or keyword.deprecated:
            self._report_name(keyword, line)
        given = len(line.words) - 1
        if given < keyword.required:
            self._report.error(
                Code.MISSING_ARGUMENT,
                line,
                0,
                f"`{keyword.name}` needs {' and '.join(one.type.describe() for one in keyword.arguments[: keyword.required])}",
                assumed=_instead(keyword),
            )
            node.sound = False
            return False
        values: list[object] = []
        for index in range(1, given + 1):
            argument = _argument(keyword, index - 1)
            if argument is None:
                node.values = tuple(values)
                self._surplus_words(node, index)
                return False
            try:
                values.append(self._read(argument, line, index))
            except BadValueError as error:
                node.sound = False
                if not is_undefined(line.words[index]):
                    advice = f"did you mean `{error.near}`?" if error.near else None
                    self._report.error(Code.BAD_VALUE, line, index, str(error), assumed=_instead(keyword), advice=advice)
                return False
            if is_undefined(line.words[index]):
                node.sound = False
                return False
        node.values = tuple(values)
        return not (keyword.lenient or keyword.deprecated or any(argument.lenient for argument in keyword.arguments))

    def _report_name(self, keyword: Keyword, line: Line) -> None:
        """Say that there is a better name for a keyword than the one that was written."""
        if keyword.lenient:
            code, message = Code.LENIENT, f"keepalived does not know `{keyword.name}` here"
        else:
            code, message = (
                Code.DEPRECATED,
                f"`{keyword.name}` is an old name" if keyword.means else f"`{keyword.name}` is obsolete",
            )
        assumed = f"`{keyword.means}`" if keyword.means else None
        advice = f"write `{keyword.means}`" if keyword.means else f"see `vrrpd explain {keyword.name}`"
        self._report.warning(code, line, 0, message, assumed=assumed, advice=advice)

    def _read(self, argument: Argument, line: Line, index: int) -> object:
        word = line.words[index]
        try:
            return argument.type.read(word)
        except BadValueError as error:
            if not (argument.lenient and error.near):
                raise
            self._report.warning(
                Code.LENIENT,
                line,
                index,
                f"keepalived does not know `{word}` in this case of letters",
                assumed=f"`{error.near}`",
                advice=f"write `{error.near}`",
            )
            return argument.type.read(error.near)

    def _surplus_words(self, node: Node, index: int) -> None:
        """Words beyond the last argument: ignored as in keepalived, unless they are what belongs on a line of its own."""
        line = node.line
        word = line.words[index]
        siblings = self._stack[-1].keyword.children
        if node.keyword.form is LINE and word in siblings and siblings[word].form is LINE:
            self._report.error(
                Code.ONE_PER_LINE,
                line,
                index,
                f"`{word}` must stand on a line of its own",
                assumed="it does",
                advice="a keyword block cannot be written on one line",
            )
            self._push(_statements(line, index, siblings))
            return
        self._report.warning(
            Code.FLAG_WITH_WORD if word in FALSE_WORDS and not node.keyword.arguments else Code.SURPLUS_WORDS,
            line,
            index,
            f"`{node.keyword.name}` takes {_count(node.keyword)}; what follows is ignored",
            assumed=f"`{' '.join(line.words[:index])}`",
        )


def _statements(line: Line, start: int, keywords: Mapping[str, Keyword]) -> list[Line]:
    """The words from `start` on, cut into keywords with their arguments, each as if on a line of its own."""
    cuts = []
    end = len(line.words)
    while start < end:
        cuts.append(start)
        keyword = keywords.get(line.words[start])
        index = 0
        start += 1
        while start < end and keyword and line.words[start] not in keywords and _argument(keyword, index):
            index += 1
            start += 1
        if keyword is None:
            break
    return [line.part(one, other) for one, other in pairwise([*cuts, end])]


def _argument(keyword: Keyword, index: int) -> Argument | None:
    """The declaration of the argument at `index`; the last one may take all further words."""
    arguments = keyword.arguments
    if index < len(arguments):
        return arguments[index]
    return arguments[-1] if arguments and arguments[-1].repeated else None


def _instead(keyword: Keyword) -> str:
    """What happens to a keyword with a wrong or missing argument."""
    if keyword.form is not LINE:
        return f"the whole `{keyword.name}` is left out"
    if keyword.name in MANDATORY:
        return f"the virtual router is left out, for it needs `{keyword.name}`"
    unit = f" {keyword.unit}" if keyword.unit and keyword.default and keyword.default.isdigit() else ""
    return f"{keyword.default}{unit}, the default" if keyword.default else "it is left out"


def _count(keyword: Keyword) -> str:
    count = len(keyword.arguments)
    return "no argument" if count == 0 else "one argument" if count == 1 else f"{count} arguments"
