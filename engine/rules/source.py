"""A rule file as text with positions: YAML read into nodes, and problems told with line, column and caret.

YAML's own guesses are not used: every scalar stays the text that was written and the setting decides what it means, so
that ``NO`` is Norway and ``1:30`` is never ninety. The nodes are built from libyaml's event stream in a loop, so that
depth is bounded before it costs anything. Anchors and aliases are refused: a file that is read by people gains nothing
from them, and without them a small file can never unfold into a large one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import yaml

from engine.said import Said, frame, joined, say

LARGEST_FILE = 5_000_000
DEEPEST = 24
MOST_PROBLEMS = 100
_ENOUGH_PROBLEMS = 1_000
_WIDEST = 100
_CLAUSE_LENGTH = 200

# YAML 1.1 breaks lines at all of these; counted differently here, every position below one would be wrong.
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_NOT_TEXT = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value, as text. ``quoted`` tells ``""`` from nothing at all."""

    text: str
    quoted: bool
    line: int
    column: int

    @property
    def empty(self) -> bool:
        return not self.quoted and self.text in ("", "~", "null")


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the file's order; every key once."""

    pairs: tuple[tuple[Scalar, Node], ...]
    line: int
    column: int

    def get(self, key: str) -> Node | None:
        return next((value for name, value in self.pairs if name.text == key), None)


Node = Scalar | Sequence | Mapping


class Enough(Exception):
    """More problems than anybody wants to read; the first ones are kept."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend: where (both counted from 1), what, in plain words, and both with the line and a caret."""

    line: int
    column: int
    message: Said
    rendered: Said = field(compare=False)

    def __str__(self) -> str:
        return self.rendered


@dataclass
class Source:
    """A rule file's text, and what is wrong (``problems``) or doubtful (``warnings``) in it so far."""

    text: str
    name: str = "rules.yaml"
    _problems: dict[tuple[int, int], Said] = field(default_factory=dict)
    _warnings: dict[tuple[int, int, Said], None] = field(default_factory=dict)
    _veiled: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lines = _LINE_BREAK.split(self.text.removeprefix("\ufeff"))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """In the file's order."""
        return tuple(self._render(line, column, message) for (line, column), message in sorted(self._problems.items()))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(self._render(*place) for place in sorted(self._warnings))

    def problem(self, line: int, column: int, message: Said) -> None:
        """Note a problem; only the first at a place, because what follows there is its echo.

        Raises Enough when there are so many that nobody would read on.
        """
        self._problems.setdefault((line, column), message)
        if len(self._problems) >= _ENOUGH_PROBLEMS:
            raise Enough

    def warning(self, line: int, column: int, message: Said) -> None:
        self._warnings[line, column, message] = None

    def veil(self, line: int) -> None:
        """Never show this line in a message: a secret stands in it."""
        self._veiled.add(line)

    def _render(self, line: int, column: int, message: Said) -> Problem:
        head = frame("%(place)s: %(message)s", place=f"{self.name}:{line}:{column}", message=message)
        shown = self._excerpt(line, column)
        return Problem(line, column, message, joined("\n", (head, shown)) if shown else head)

    def _excerpt(self, line: int, column: int) -> str:
        if line in self._veiled or not 1 <= line <= len(self.lines) or not self.lines[line - 1].strip():
            return ""
        text = "".join(letter if letter.isprintable() else " " for letter in self.lines[line - 1])
        start = min(len(text) - len(text.lstrip()), column - 1)
        if column - start > _WIDEST - 20:
            start = column - 40
        shown = text[start : start + _WIDEST] + ("…" if len(text) > start + _WIDEST else "")
        return f"    {shown.rstrip()}\n    {' ' * (column - 1 - start)}^"


def parse(source: Source) -> Node | None:
    """The file's nodes, or None when nothing can be made of it; either way the problems are in ``source``."""
    if len(source.text) > LARGEST_FILE:
        size = len(source.text) / 1_000_000
        source.problem(
            1,
            1,
            say(
                "the file is %(size)s MB; a rule file has at most %(most)s MB",
                size=f"{size:.1f}",
                most=LARGEST_FILE // 1_000_000,
            ),
        )
        return None
    text = "\n".join(source.lines)
    odd = _NOT_TEXT.search(text)
    if odd is not None:
        line, column = _position(text, odd.start())
        source.problem(line, column, say("an invisible character that is not text stands here; remove it"))
        return None
    try:
        return _Builder(source).build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        source.problem(*_explain(error, source.lines))
    except yaml.YAMLError as error:
        source.problem(1, 1, _unreadable(str(error).splitlines()[0]))
    return None


def _position(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


# --- from events to nodes ---------------------------------------------------------------------------------------------


@dataclass
class _Open:
    """A list or mapping whose end has not come yet; a mapping's keys and values alternate in ``items``."""

    line: int
    column: int
    items: list[Node] = field(default_factory=list)


class _Builder:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._stack: list[_Open] = [_Open(1, 1)]
        self._documents = 0

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        for event in events:
            if not self._take(event):
                return None
        return next(iter(self._stack[0].items), None)

    def _take(self, event: yaml.Event) -> bool:
        """Add one event; False when reading on makes no sense."""
        mark = event.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if isinstance(event, yaml.DocumentStartEvent):
            return self._begin_document(line, column)
        if isinstance(event, yaml.NodeEvent):
            self._refuse_extras(event, line, column)
        if isinstance(event, yaml.ScalarEvent):
            self._add(Scalar(event.value, bool(event.style), line, column))
        elif isinstance(event, yaml.AliasEvent):
            self._add(Scalar("", False, line, column))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._stack.append(_Open(line, column))
            if len(self._stack) > DEEPEST:
                self._source.problem(
                    line, column, say("nested more than %(most)s deep; no rule needs that", most=DEEPEST)
                )
                return False
        elif isinstance(event, yaml.SequenceEndEvent):
            ended = self._stack.pop()
            self._add(Sequence(tuple(ended.items), ended.line, ended.column))
        elif isinstance(event, yaml.MappingEndEvent):
            self._add(self._mapping(self._stack.pop()))
        return True

    def _add(self, node: Node) -> None:
        self._stack[-1].items.append(node)

    def _begin_document(self, line: int, column: int) -> bool:
        self._documents += 1
        if self._documents > 1:
            self._source.problem(line, column, say("a rule file is one document; remove this '---'"))
        return self._documents == 1

    def _refuse_extras(self, event: yaml.NodeEvent, line: int, column: int) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            self._source.problem(
                line,
                column,
                say(
                    "'%(sign)s%(anchor)s' would be a YAML anchor, which rule files do not have: repeat what you mean, "
                    "or put a text that begins with %(sign)s in quotes",
                    sign=sign,
                    anchor=event.anchor or "",
                ),
            )
        elif getattr(event, "tag", None) is not None:
            self._source.problem(
                line, column, say("a text that begins with ! needs quotes (YAML tags are not used here)")
            )

    def _mapping(self, ended: _Open) -> Mapping:
        pairs: list[tuple[Scalar, Node]] = []
        seen: dict[str, int] = {}
        for key, value in zip(ended.items[0::2], ended.items[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._source.problem(
                    key.line, key.column, say("a name is expected before the ':', not a list or a group")
                )
            elif key.text in seen:
                self._source.problem(
                    key.line,
                    key.column,
                    say(
                        "'%(text)s' stands here twice (first on line %(line)s); keep one",
                        text=key.text,
                        line=seen[key.text],
                    ),
                )
            else:
                seen[key.text] = key.line
                pairs.append((key, value))
        return Mapping(tuple(pairs), ended.line, ended.column)


# --- libyaml's words as ours ------------------------------------------------------------------------------------------

_TEXT_AFTER_QUOTE = say(
    "text stands after a closing quote; inside 'single quotes' write a quote twice (it''s), "
    'inside "double quotes" write \\"'
)
_COMPARISON = say('a comparison needs quotes, such as ">= 50"')


def _explain(error: yaml.MarkedYAMLError, lines: list[str]) -> tuple[int, int, Said]:
    """Where and what, in words for somebody who does not know YAML's grammar."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return 1, 1, _unreadable(error.problem or error.context or "")
    row, column = mark.line, mark.column
    line = lines[row] if row < len(lines) else ""
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation:
        return row + 1, indentation.index("\t") + 1, say("this line begins with a tab; indent with spaces")
    opened, never_closed = error.context_mark, _never_closed(error)
    if opened is not None and never_closed is not None:
        return opened.line + 1, opened.column + 1, never_closed
    return row + 1, column + 1, _in_words(error.problem or "", error.context or "", line, column)


def _unreadable(problem: str) -> Said:
    return say("this cannot be read as YAML: %(problem)s", problem=problem)


def _never_closed(error: yaml.MarkedYAMLError) -> Said | None:
    problem, context = error.problem or "", error.context or ""
    if "quoted scalar" in context and ("end of stream" in problem or "document indicator" in problem):
        return say("this quote is never closed")
    if "',' or ']'" in problem:
        return say(
            "this '[' is not closed, or a ',' is missing between its entries; "
            "a text with a quote, ',', ':' or ']' in it needs quotes"
        )
    if "',' or '}'" in problem:
        return say(
            "this '{' is not closed, or a ',' is missing between its settings; "
            "a text with a quote, ',', ':' or '}' in it needs quotes"
        )
    return None


_IN_WORDS = (
    ("block scalar", _COMPARISON),
    ("alias", say("a text that begins with * needs quotes")),
    ("anchor", say("a text that begins with & needs quotes")),
    ("'-' indicator", say("a '- ' is missing here, or this line is not indented like the entries above it")),
    ("escape", say("a backslash has a special meaning in \"double quotes\"; use 'single quotes' here")),
    ("expected ':'", say("a ':' is missing after a name, here or on the line above")),
    (
        "expected key",
        say("this line is indented differently from its neighbours; entries that belong together start in one column"),
    ),
)


def _in_words(problem: str, context: str, line: str, column: int) -> Said:
    before, letter = line[:column], line[column : column + 1]
    if letter == ">":
        return _COMPARISON
    if "mapping values are not allowed" in problem:
        if a_list := re.match(r"\s*(?:- )?(when|then|any|all):\s", before):
            return say("'%(word)s' is a list: put its first entry on the next line, after '- '", word=a_list[1])
        if re.search(r":\s", before):
            return say("a second ':' on this line; a text with a ':' in it needs quotes")
        return say("this line does not fit the one above it: it is indented too far, or the line above misses its ':'")
    if "expected key" in problem and re.search(r"""["'][^"']*\Z""", before):
        return _TEXT_AFTER_QUOTE
    words = f"{context}: {problem}"
    if "cannot start any token" in words:
        return say("a text that begins with %(letter)s needs quotes", letter=letter)
    return next((sentence for sign, sentence in _IN_WORDS if sign in words), _unreadable(problem))


# --- nodes as text ----------------------------------------------------------------------------------------------------

_NEEDS_QUOTES = re.compile(r"""[,:\[\]{}#"'\n]|\A[\s>|*&!%@`-]|\s\Z|\A\Z""")


def flow(node: Node) -> str:
    """The node on one line, as the marketer could have written it: ``on_page: {type: faq, for: 45s}``."""
    text = inline(node)
    if isinstance(node, Mapping) and len(node.pairs) == 1:
        text = text[1:-1]
    return text if len(text) <= _CLAUSE_LENGTH else text[: _CLAUSE_LENGTH - 1] + "…"


def inline(node: Node) -> str:
    """The node on one line, as what stands after a ``:``: ``{type: faq, for: 45s}``."""
    if isinstance(node, Sequence):
        return f"[{', '.join(map(inline, node.items))}]"
    if isinstance(node, Mapping):
        return f"{{{', '.join(f'{key.text}: {inline(value)}' for key, value in node.pairs)}}}"
    return json.dumps(node.text, ensure_ascii=False) if node.quoted and _NEEDS_QUOTES.search(node.text) else node.text


def canonical(node: Node, tidy: Callable[[str], str] = str) -> str:
    """The node's content as text that is the same however it is laid out, ordered or commented.

    ``tidy`` makes equal what is only spelt differently.
    """
    return json.dumps(_plain(node, tidy), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(node: Node, tidy: Callable[[str], str]) -> object:
    if isinstance(node, Sequence):
        return [_plain(item, tidy) for item in node.items]
    if isinstance(node, Mapping):
        return {key.text: _plain(value, tidy) for key, value in node.pairs}
    return tidy(node.text)
