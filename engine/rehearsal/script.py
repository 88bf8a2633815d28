"""A test file as scripts to play: ``given`` says what happens when, ``expect`` what the rules do about it.

It is read like a rule file: every mistake at once, each with its line, its column and what to write instead.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from engine.clock import Millis
from engine.decisions import Guard
from engine.errors import RuleFileError
from engine.rehearsal import words
from engine.rehearsal.words import Happening
from engine.rules.actions import STEPS
from engine.rules.fields import Fault, Flag, Kind, Reading, Text, Told, must_be, text_of
from engine.rules.forms import Form, Setting
from engine.rules.loader import unusable
from engine.rules.model import UNTIL, RuleSet
from engine.rules.numbers import Duration
from engine.rules.shop_fields import Moment
from engine.rules.source import Enough, Mapping, Node, Scalar, Sequence, Source, flow, parse
from engine.rules.suggestions import did_you_mean, shorten
from engine.said import say

KINDS = frozenset(STEPS) - {"wait", "stop"}
"""Steps that bring something, by which an expectation may name them."""
_VERDICTS = ("nothing", "fired", "held", "stopped")
_HOLDS = frozenset(str(guard) for guard in Guard)


@dataclass(frozen=True)
class Expected:
    """One thing that must have come of it: ``what`` is a kind of step, ``fired``, ``held`` or ``stopped``."""

    what: str
    rule: str | None
    by: str = ""
    """The guard that held it, or the word that stopped it."""
    details: dict[str, str] = field(default_factory=dict)
    """What the message must say, by the names of its settings."""
    text: str = ""
    """As it was written."""


@dataclass(frozen=True)
class Expectation:
    """What must have happened since the moment before this one; nothing when ``things`` is empty."""

    at: Millis
    things: tuple[Expected, ...]
    line: int
    column: int


@dataclass(frozen=True)
class Script:
    """One test. Moments are milliseconds since its beginning."""

    name: str
    given: tuple[tuple[Millis, tuple[Happening, ...]], ...]
    expect: tuple[Expectation, ...]
    rule: str | None = None
    agents: Happening | None = None
    starts: Millis | None = None
    in_holdout: str | None = None
    """The rule to whose holdout the shopper belongs; to no other rule's."""
    in_variant: str | None = None
    """The variant of the rule it is about that the shopper gets."""
    line: int = 0


def load(text: str, rules: RuleSet, *, name: str = "rules.test.yaml") -> tuple[Script, ...]:
    """The tests in ``text``, which are about ``rules``. Raises RuleFileError with every problem there is."""
    source = Source(text, name)
    shop = rules.shop
    own_types = tuple(page_type for page_type, _ in shop.pages)
    reading = Reading(source, currency=shop.currency, languages=shop.languages, time_zone=shop.time_zone)
    reading.page_types = (*reading.page_types, *own_types)
    reading.rule_names = {rule.name: rule.line for rule in rules.rules}
    scripts: tuple[Script, ...] | None = None
    with suppress(Enough):
        scripts = _read(source, reading)
        for each in scripts or ():
            _check_variant(each, rules, source)
    problems = source.problems
    if problems or scripts is None:
        raise RuleFileError(unusable(name, len(problems)), tuple(problem.rendered for problem in problems))
    return scripts


def _check_variant(script: Script, rules: RuleSet, source: Source) -> None:
    if script.in_variant is None:
        return
    rule = rules.by_name.get(script.rule or "")
    known = [variant.name for variant in rule.variants] if rule is not None else []
    if rule is None or not known:
        source.problem(script.line, 1, say("'in_variant' needs a rule with variants: name it with rule"))
    elif script.in_variant not in known:
        name, near = script.in_variant, did_you_mean(script.in_variant, known)
        told = say("'%(rule)s' has no variant '%(variant)s'%(hint)s", rule=rule.name, variant=shorten(name), hint=near)
        source.problem(script.line, 1, told)


def _read(source: Source, reading: Reading) -> tuple[Script, ...] | None:
    document = parse(source)
    if document is None and not source.problems:
        source.problem(1, 1, say("the file is empty; a file of tests that tests nothing would only seem to protect"))
    if document is None:
        return None
    return reading.attempt(_tests, document, reading)


def _tests(document: Node, reading: Reading) -> tuple[Script, ...]:
    tests = document.get("tests") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or tests is None:
        raise Fault(document, say("a test file has one section: tests"))
    for key, _ in document.pairs:
        if key.text != "tests":
            reading.source.problem(
                key.line, key.column, say("unknown section '%(text)s'; there is tests", text=shorten(key.text))
            )
    if not isinstance(tests, Sequence) or not tests.items:
        raise Fault(tests, say("this must be a list of tests; a file without any would only seem to protect"))
    found = [reading.attempt(_test, node, reading) for node in tests.items]
    names: dict[str, int] = {}
    for node, script in zip(tests.items, found, strict=True):
        if script is not None and names.setdefault(script.name, node.line) != node.line:
            reading.source.problem(
                node.line,
                node.column,
                say(
                    "a test called '%(name)s' stands on line %(line)s",
                    name=shorten(script.name),
                    line=names[script.name],
                ),
            )
    return tuple(script for script in found if script is not None)


def _test(node: Node, reading: Reading) -> Script:
    if not isinstance(node, Mapping):
        raise must_be(node, say("a test: a name, given and expect"))
    rule = node.get("rule")
    about = reading.attempt(RuleName().read, rule, reading) if rule is not None else None
    # Read before the others are, so that what is wrong in it is told even when something else is wrong too.
    expect = reading.attempt(_expectations, node.get("expect"), about, node, reading)
    values = TEST.values(node, reading)
    if expect is None:
        raise Told
    values["expect"] = expect
    return Script(line=node.line, **values)  # type: ignore[arg-type] # the form has read each by the kind of its field


# --- moments ----------------------------------------------------------------------------------------------------------


def _moment(key: Scalar, reading: Reading) -> Millis:
    if key.text.strip() in ("0", "0s", "0m", "0h", "0d"):
        return 0
    return Duration().read(key, reading)


def _moments(node: Node | None, what: str, test: Node, reading: Reading) -> list[tuple[Millis, Node]]:
    """The moments of a mapping, which must go forward; one that is wrong is noted, and goes on as the one before it."""
    if not isinstance(node, Mapping) or not node.pairs:
        raise Fault(node or test, say("'%(what)s' must have moments, such as 45s: …; the first is 0s", what=what))
    found: list[tuple[Millis, Node]] = []
    last = -1
    for key, value in node.pairs:
        at = reading.attempt(_moment, key, reading)
        if at is not None and at <= last:
            reading.source.problem(
                key.line, key.column, say("%(text)s does not come after the moment above it", text=key.text)
            )
        last = max(last, at if at is not None else last)
        found.append((last, value))
    return found


# --- given ------------------------------------------------------------------------------------------------------------


class Given(Kind[tuple[tuple[Millis, tuple[Happening, ...]], ...]]):
    """``given``: what happens at which moment."""

    what = say("moments such as 0s: {opens: faq}")

    def read(self, node: Node, reading: Reading) -> tuple[tuple[Millis, tuple[Happening, ...]], ...]:
        found = []
        for at, value in _moments(node, "given", node, reading):
            items = value.items if isinstance(value, Sequence) else (value,)
            happenings = [reading.attempt(self._one, item, reading) for item in items]
            found.append((at, tuple(happening for happening in happenings if happening is not None)))
        if reading.source.problems:
            raise Told
        return tuple(found)

    def _one(self, node: Node, reading: Reading) -> Happening:
        if isinstance(node, Scalar) and not node.empty:
            return words.read(node, Scalar("", False, node.line, node.column), reading)
        if not isinstance(node, Mapping) or not node.pairs:
            raise must_be(node, say("something that happens, such as page_hidden or {opens: faq}"))
        device = node.get("device")
        shop = node.get("from_shop")
        events = [(key, value) for key, value in node.pairs if key.text not in ("device", "from_shop")]
        if len(events) != 1:
            raise Fault(node, say("one event an entry: write a list, '- ' before each"))
        happening = words.read(events[0][0], events[0][1], reading)
        return Happening(
            happening.raw,
            happening.effect,
            happening.trusted or (shop is not None and Flag().read(shop, reading)),
            "" if device is None else text_of(device, say("a name such as phone")),
        )


# --- expect -----------------------------------------------------------------------------------------------------------


class RuleName(Kind[str]):
    """One of the rules of the file that is tested."""

    what = say("the name of a rule")

    def read(self, node: Node, reading: Reading) -> str:
        name = text_of(node, self.what)
        if name not in reading.rule_names:
            raise Fault(
                node,
                say(
                    "there is no rule '%(name)s'%(hint)s",
                    name=shorten(name),
                    hint=did_you_mean(name, reading.rule_names),
                ),
            )
        return name


def _expectations(node: Node | None, about: str | None, test: Node, reading: Reading) -> tuple[Expectation, ...]:
    found = []
    for at, value in _moments(node, "expect", test, reading):
        items = value.items if isinstance(value, Sequence) else (value,)
        if not items:
            raise Fault(value, say("this expects nothing at all; write nothing to say that nothing must happen"))
        things = [reading.attempt(_thing, item, about, reading) for item in items]
        wanted = tuple(thing for thing in things if thing is not None and thing.what != "nothing")
        found.append(Expectation(at, wanted, value.line, value.column))
    if reading.source.problems:
        raise Told
    return tuple(found)


def _thing(node: Node, about: str | None, reading: Reading) -> Expected:
    if isinstance(node, Scalar):
        word, value = node, Scalar("", False, node.line, node.column)
    elif isinstance(node, Mapping) and len(node.pairs) == 1:
        word, value = node.pairs[0][0], node.pairs[0][1]  # type: ignore[assignment] # any node; the kinds tell
    else:
        raise must_be(node, say("nothing, or one thing such as {invite: stuck-in-faq}"))
    known = (*_VERDICTS, *sorted(KINDS))
    if word.text not in known:
        raise Fault(
            word,
            say("unknown expectation '%(text)s'%(hint)s", text=shorten(word.text), hint=did_you_mean(word.text, known)),
        )
    if word.text in ("held", "stopped"):
        return _silence(word, value, about, reading, flow(node))
    if word.text == "nothing":
        return Expected("nothing", about)
    return _message(word, value, about, reading, flow(node))


def _silence(word: Scalar, value: Node, about: str | None, reading: Reading, text: str) -> Expected:
    """``held: limit`` or ``stopped: ordered``; with ``rule`` and ``by`` where another rule is meant."""
    reasons = _HOLDS if word.text == "held" else _HOLDS | set(UNTIL)
    rule = about
    reason: Node = value
    if isinstance(value, Mapping):
        named, given = value.get("rule"), value.get("by")
        rule = RuleName().read(named, reading) if named is not None else about
        reason = given if given is not None else Scalar("", False, value.line, value.column)
    by = "" if isinstance(reason, Scalar) and reason.empty else text_of(reason, say("a reason"))
    if by and by not in reasons:
        raise Fault(
            reason, say("'%(text)s' is not known here%(hint)s", text=shorten(by), hint=did_you_mean(by, reasons))
        )
    if rule is None:
        raise Fault(
            value, say("say which rule: %(text)s: {rule: …, by: …}, or name the test's rule above", text=word.text)
        )
    return Expected(word.text, rule, by, text=text)


def _message(word: Scalar, value: Node, about: str | None, reading: Reading, text: str) -> Expected:
    if isinstance(value, Scalar) and value.empty:
        if about is None:
            raise Fault(word, say("say which rule: %(text)s: …", text=word.text))
        return Expected(word.text, about, text=text)
    if not isinstance(value, Mapping):
        return Expected(word.text, RuleName().read(value, reading), text=text)
    rule = value.get("rule")
    details = {key.text: text_of(node, say("text")) for key, node in value.pairs if key.text != "rule"}
    name = about if rule is None else RuleName().read(rule, reading)
    if name is None:
        raise Fault(value, say("say which rule: rule: …"))
    return Expected(word.text, name, details=details, text=text)


class _Later(Kind[object]):
    """Read after the others, because it depends on them."""

    what = say("moments such as 45s: nothing")

    def read(self, node: Node, reading: Reading) -> object:
        return ()


class _Agents(Kind[Happening]):
    what = say("online, free, busy or offline, or numbers such as {online: 2, free: 0}")

    def read(self, node: Node, reading: Reading) -> Happening:
        return words.agents(node, reading)


TEST = Form(
    Script,
    (
        Setting("name", Text(200), "What it says of the rule, as a sentence.", required=True),
        Setting("rule", RuleName(), "The rule it is about."),
        Setting("agents", _Agents(), "Who is there to chat, from the beginning."),
        Setting("starts", Moment(), "When it begins, on the shop's clock."),
        Setting("in_variant", Text(40), "The variant of its rule that the shopper gets.", shown_default="any of them"),
        Setting("in_holdout", RuleName(), "The rule to whose holdout the shopper belongs.", shown_default="no rule's"),
        Setting("given", Given(), "What happens, moment by moment.", required=True),
        Setting("expect", _Later(), "What comes of it, moment by moment.", required=True),
    ),
    say("a test"),
)
