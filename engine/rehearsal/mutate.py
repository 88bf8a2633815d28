"""Would the tests notice? Every clause and every guard-like setting is taken away once; some test must then fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.pipeline import ShopRules
from engine.rehearsal.script import Script
from engine.rehearsal.stage import play
from engine.rules.actions import Message
from engine.rules.conditions.base import BaseCondition
from engine.rules.forms import Clash
from engine.rules.logic import All, Not
from engine.rules.logic import Any as AnyOf
from engine.rules.model import Rule, RuleSet, Steps, Wait
from engine.rules.shop import Limits
from engine.said import Said, say

EVERY_TIME = "1"
"""``once_per`` a millisecond: as if nothing were remembered."""


@dataclass(frozen=True)
class Mutant:
    """A rule with one thing taken away; ``what`` says which."""

    rule: Rule
    what: Said


def survivors(
    shop: ShopRules, scripts: Sequence[Script], tell: Callable[[], None] = lambda: None
) -> tuple[int, list[Mutant]]:
    """How many things were taken away, and those whose absence no test noticed. ``tell`` is called for each.

    The scripts must pass as the rules are.
    """
    alive: list[Mutant] = []
    made = 0
    for rule in shop.rules.rules:
        ordered = sorted(scripts, key=lambda script: script.rule != rule.name)
        for mutant in mutants(rule):
            made += 1
            tell()
            if not _noticed(replace(shop, rules=_with(shop.rules, mutant.rule)), ordered):
                alive.append(mutant)
    return made, alive


def _noticed(shop: ShopRules, scripts: Sequence[Script]) -> bool:
    return any(not play(script, shop).passed for script in scripts)


def _with(rules: RuleSet, changed: Rule) -> RuleSet:
    return replace(rules, rules=tuple(changed if rule.name == changed.name else rule for rule in rules.rules))


def mutants(rule: Rule) -> Iterator[Mutant]:
    """The rule with each of its clauses and settings taken away, one at a time."""
    assert isinstance(rule.when, All)
    for when, what in _without_one(rule.when):
        assert isinstance(when, All)
        yield Mutant(_about(rule, when), what)
    for changed, what in _settings(rule):
        yield Mutant(replace(rule, **changed), what)


def _about(rule: Rule, when: All) -> Rule:
    return replace(rule, when=when)


# --- conditions -------------------------------------------------------------------------------------------------------


def _without_one(condition: BaseCondition) -> Iterator[tuple[BaseCondition, Said]]:
    if isinstance(condition, All | AnyOf):
        yield from _without_member(condition)
    elif isinstance(condition, Not):
        for inner, what in _without_one(condition.of):
            yield replace(condition, of=inner), what
    else:
        yield from _without_setting(condition)


def _without_member(group: All | AnyOf) -> Iterator[tuple[BaseCondition, Said]]:
    for index, member in enumerate(group.of):
        before, after = group.of[:index], group.of[index + 1 :]
        # An `any` without its only member never holds, which is more than taking a clause away.
        if len(group.of) > 1 or isinstance(group, All):
            yield replace(group, of=(*before, *after)), _without(member.clause)
        for changed, what in _without_one(member):
            yield replace(group, of=(*before, changed, *after)), what


def _without_setting(condition: BaseCondition) -> Iterator[tuple[BaseCondition, Said]]:
    """The condition without each setting that was given and need not be."""
    for field in dataclasses.fields(condition):
        if "setting" not in field.metadata or field.default is dataclasses.MISSING:
            continue
        if getattr(condition, field.name) == field.default:
            continue
        changes: dict[str, Any] = {field.name: field.default}
        try:
            yield replace(condition, **changes), _less(condition.clause, field.name.rstrip("_"))
        except Clash:
            continue  # the setting cannot be missed


# --- settings of the rule ---------------------------------------------------------------------------------------------


def _settings(rule: Rule) -> Iterator[tuple[dict[str, Any], Said]]:
    for switch in ("off", "shadow"):
        if getattr(rule, switch):
            yield {switch: False}, _without(switch)
    if not rule.off:
        yield {"once_per": EVERY_TIME}, _without("once_per")
    if not (rule.off or rule.shadow):
        yield from _settings_of_who_speaks(rule)


def _settings_of_who_speaks(rule: Rule) -> Iterator[tuple[dict[str, Any], Said]]:
    """What makes no difference to a rule that is silent anyway; its tests meet it when the rule is switched on."""
    # After its last message a rule has nothing left to be stopped.
    for word in rule.until if any(isinstance(step, Wait) for step in rule.all_steps) else ():
        yield {"until": tuple(other for other in rule.until if other != word)}, _less("until", word)
    yield from _without_step(rule)
    if rule.holdout:
        yield {"holdout": 0.0}, _without("holdout")
    if rule.priority:
        # Without it the order of the file might happen to decide the same.
        yield {"priority": -rule.priority}, say("with 'priority' turned round")
    for limits in dataclasses.fields(Limits):
        if getattr(rule.limits, limits.name):
            unlimited: dict[str, Any] = {limits.name: ()}
            yield {"limits": replace(rule.limits, **unlimited)}, _less("limits", limits.name)
    if len(rule.group_rules) > 1:
        yield {"group": "", "group_rules": frozenset()}, _without("group")
    if rule.active_from is not None or rule.active_until is not None:
        yield {"active_from": None, "active_until": None}, _without("active")


def _without_step(rule: Rule) -> Iterator[tuple[dict[str, Any], Said]]:
    """Without each wait, and without each message where another is left; in every variant."""
    for rest, what in _steps_less(rule.then):
        yield {"then": rest}, what
    for place, variant in enumerate(rule.variants):
        before, after = rule.variants[:place], rule.variants[place + 1 :]
        for rest, what in _steps_less(variant.then):
            changed = replace(variant, then=rest)
            yield (
                {"variants": (*before, changed, *after)},
                say("%(what)s in variant '%(variant)s'", what=what, variant=variant.name),
            )


def _steps_less(steps: Steps) -> Iterator[tuple[Steps, Said]]:
    for index, step in enumerate(steps):
        rest = (*steps[:index], *steps[index + 1 :])
        # What no shopper notices no test of this rule could, and a rule needs something to say.
        spoken = isinstance(step, Message) and any(isinstance(other, Message) for other in rest)
        if isinstance(step, Wait) or spoken:
            yield rest, say("without the '%(kind)s' of step %(step)s", kind=step.kind, step=index + 1)


def _without(what: str) -> Said:
    return say("without '%(what)s'", what=what)


def _less(whole: str, part: str) -> Said:
    return say("'%(whole)s' without '%(part)s'", whole=whole, part=part)
