"""A rule file as a rule set, or everything that is wrong with it at once.

:func:`load` is for the engine, :func:`examine` for tools that also want what is merely doubtful. Nothing in here looks
anything up outside: no clock, no network, no environment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence as Several
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from engine.errors import RuleFileError
from engine.rules import lint, sections
from engine.rules.fields import Fault, Reading, Told
from engine.rules.model import Rule, RuleSet
from engine.rules.shop import KnownIntegrations
from engine.rules.source import LARGEST_FILE, MOST_PROBLEMS, Enough, Mapping, Problem, Scalar, Sequence, Source, parse
from engine.rules.suggestions import did_you_mean, shorten
from engine.said import Said, say, say_count

MOST_RULES = 10_000


@dataclass(frozen=True)
class Examination:
    """What a look at a file gave: the rule set if it can be used, what must be mended, and what is doubtful."""

    rule_set: RuleSet | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def load(text: str, *, name: str = "rules.yaml", known_integrations: KnownIntegrations | None = None) -> RuleSet:
    """The rule set in ``text``; ``name`` stands in the messages.

    ``known_integrations`` are the services ``integrations`` may name; None leaves them unchecked.
    Raises RuleFileError with every problem in the file, in its order.
    """
    found = examine(text, name=name, known_integrations=known_integrations)
    if found.rule_set is None:
        raise _refusal(name, found.problems)
    return found.rule_set


def load_path(path: Path, *, known_integrations: KnownIntegrations | None = None) -> dict[str, RuleSet]:
    """Rule sets by shop id: from one file, or from every ``.yaml`` file of a folder (``*.test.yaml`` apart).

    Raises RuleFileError with the problems of all files together.
    """
    found: dict[str, RuleSet] = {}
    names: dict[str, str] = {}
    problems: list[Said] = []
    for file in rule_files(path):
        try:
            rules = load(read_text(file), name=file.name, known_integrations=known_integrations)
        except RuleFileError as error:
            problems.extend(error.problems or (error.message,))
            continue
        other = names.setdefault(rules.shop.id, file.name)
        if other != file.name:
            problems.append(
                say(
                    "%(name)s: its shop is called '%(shop)s', as in %(other)s; give each its own id",
                    name=file.name,
                    shop=rules.shop.id,
                    other=other,
                )
            )
        found[rules.shop.id] = rules
    if problems:
        raise RuleFileError(unusable(path.name, len(problems)), tuple(problems))
    return found


def rule_files(path: Path) -> list[Path]:
    """The files that make up ``path``, in order of name. Raises RuleFileError when there is none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise RuleFileError(
            say("there is no rule file %(name)s; RULES or an argument says which to use", name=path.name)
        )
    suffixes = (".yaml", ".yml")
    files = [file for file in sorted(path.iterdir()) if file.suffix in suffixes and not file.name.startswith(".")]
    files = [file for file in files if not file.stem.endswith(".test")]
    if not files:
        raise RuleFileError(say("the folder %(name)s holds no .yaml file; each shop has one", name=path.name))
    return files


def read_text(file: Path) -> str:
    """A rule file's text. Raises RuleFileError for what cannot be read or is not UTF-8."""
    try:
        with file.open("rb") as opened:
            body = opened.read(4 * LARGEST_FILE + 1)
    except OSError as error:
        raise RuleFileError(unreadable(file, error)) from error
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise RuleFileError(
            say("%(name)s:%(line)s: this line is not UTF-8 text; save the file as UTF-8", name=file.name, line=line)
        ) from None


def unreadable(file: Path, error: OSError) -> Said:
    return say("%(name)s cannot be read: %(reason)s", name=file.name, reason=error.strerror or type(error).__name__)


def examine(
    text: str,
    *,
    name: str = "rules.yaml",
    known_integrations: KnownIntegrations | None = None,
    production: bool = False,
) -> Examination:
    """Read a whole file and say everything about it; raises nothing. ``production`` asks for more, see lint."""
    source = Source(text, name)
    reading = Reading(source, integrations=known_integrations)
    rule_set = None
    with suppress(Enough):
        rule_set = _read(source, reading)
    problems = source.problems
    if rule_set is not None and not problems:
        lint.look_at(rule_set, source, production=production, known=known_integrations or {})
    return Examination(None if problems else rule_set, problems, source.warnings)


def _read(source: Source, reading: Reading) -> RuleSet | None:
    document = parse(source)
    if isinstance(document, Mapping):
        return reading.attempt(_rule_set, document, reading)
    if document is not None:
        source.problem(document.line, document.column, say("a rule file has sections: shop, pages, limits, rules"))
    elif not source.problems:
        source.problem(1, 1, say("the file is empty; it needs at least a list of rules"))
    return None


def _rule_set(document: Mapping, reading: Reading) -> RuleSet:
    for key, _ in document.pairs:
        if key.text not in sections.NAMES:
            near = did_you_mean(key.text, sections.NAMES)
            reading.source.problem(
                key.line, key.column, say("unknown section '%(text)s'%(hint)s", text=shorten(key.text), hint=near)
            )
    shop = sections.read_shop(document, reading)
    rules = _rules(document, reading, tuple(name for name, _ in shop.groups))
    text = reading.source.text
    return RuleSet(shop, rules, _digest(text), text)


def _rules(document: Mapping, reading: Reading, known_groups: tuple[str, ...]) -> tuple[Rule, ...]:
    node = document.get("rules")
    if node is None:
        raise Fault(Scalar("", False, 1, 1), say("there is no 'rules:' section; without a rule nothing will ever ring"))
    if isinstance(node, Scalar) and node.empty:
        node = Sequence((), node.line, node.column)
    if not isinstance(node, Sequence):
        raise Fault(node, say("this must be a list: put '- ' before each rule's name, also when there is only one"))
    if not node.items:
        reading.warn(node, say("there are no rules yet, so nothing will ever ring"))
    if len(node.items) > MOST_RULES:
        raise Fault(node.items[MOST_RULES], say("a file has at most %(most)s rules", most=MOST_RULES))
    rules = [reading.attempt(sections.read_rule, item, reading) for item in node.items]
    if None in rules:
        raise Told
    return _grouped(tuple(cast("Several[Rule]", rules)), known_groups, reading)


def _grouped(rules: tuple[Rule, ...], known: tuple[str, ...], reading: Reading) -> tuple[Rule, ...]:
    """Every rule with the names of its group's rules; a group that has limits must be named as it stands there."""
    members: dict[str, list[str]] = {}
    for rule in rules:
        if rule.group:
            members.setdefault(rule.group, []).append(rule.name)
        if rule.group and known and rule.group not in known:
            near = did_you_mean(rule.group, known)
            reading.source.problem(
                rule.line,
                1,
                say(
                    "%(name)s: there is no group called '%(group)s'%(hint)s",
                    name=rule.name,
                    group=rule.group,
                    hint=near,
                ),
            )
    return tuple(replace(rule, group_rules=frozenset(members[rule.group])) if rule.group else rule for rule in rules)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _refusal(name: str, problems: tuple[Problem, ...]) -> RuleFileError:
    shown = tuple(problem.rendered for problem in problems[:MOST_PROBLEMS])
    if len(problems) > MOST_PROBLEMS:
        shown = (*shown, say("%(name)s: and %(more)s more", name=name, more=len(problems) - MOST_PROBLEMS))
    return RuleFileError(unusable(name, len(problems)), shown)


def unusable(name: str, problems: int) -> Said:
    """The sentence above so many problems."""
    return say_count(
        "%(name)s cannot be used: 1 problem", "%(name)s cannot be used: %(count)s problems", count=problems, name=name
    )
