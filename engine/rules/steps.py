"""How steps and variants are read."""

from __future__ import annotations

from collections.abc import Callable

from engine.rules.actions import STEPS, BaseAction, Wait
from engine.rules.fields import Fault, Kind, Reading, Schema, Told
from engine.rules.forms import Form, Setting
from engine.rules.model import Variant
from engine.rules.numbers import Share
from engine.rules.source import Mapping, Node, Scalar, Sequence
from engine.rules.suggestions import did_you_mean, shorten
from engine.said import say

_MOST_STEPS = 20
_MOST_VARIANTS = 8


class Steps(Kind[tuple[BaseAction, ...]]):
    """``then``: a list of steps."""

    what = say("a list of steps such as - invite: …")

    def read(self, node: Node, reading: Reading) -> tuple[BaseAction, ...]:
        if not isinstance(node, Sequence):
            raise Fault(node, say("this must be a list: put '- ' before each step, also when there is only one"))
        if not node.items:
            raise Fault(node, say("this list is empty, so the rule would do nothing; give at least one step"))
        if len(node.items) > _MOST_STEPS:
            raise Fault(node.items[_MOST_STEPS], say("a rule has at most %(most)s steps", most=_MOST_STEPS))
        steps = [reading.attempt(self._step, item, reading) for item in node.items]
        found = tuple(step for step in steps if step is not None)
        if len(found) < len(steps):
            raise Told
        if isinstance(found[-1], Wait):
            raise Fault(node.items[-1], say("nothing comes after this wait; add a step or remove it"))
        return found

    def _step(self, node: Node, reading: Reading) -> BaseAction:
        key, value = self._word(node)
        if key.text not in STEPS:
            raise Fault(
                key, say("unknown step '%(text)s'%(hint)s", text=shorten(key.text), hint=did_you_mean(key.text, STEPS))
            )
        form, _ = STEPS[key.text]
        if _is_empty(value) and not any(setting.required for setting in form.settings):
            return form.make()
        # An empty value is reported at the step's own word, where a person looks for it.
        return form.read(Scalar("", False, key.line, key.column) if _is_empty(value) else value, reading)

    def _word(self, node: Node) -> tuple[Scalar, Node]:
        if isinstance(node, Scalar) and node.text in STEPS:
            return node, Scalar("", False, node.line, node.column)
        if not isinstance(node, Mapping) or not node.pairs:
            raise Fault(node, say("this must be a step such as wait: 1d; there are %(steps)s", steps=", ".join(STEPS)))
        if len(node.pairs) > 1:
            second = node.pairs[1][0]
            raise Fault(
                second,
                say("one step an entry: put '- ' before '%(text)s', or indent it further", text=shorten(second.text)),
            )
        return node.pairs[0]

    def schema(self) -> Schema:
        return {"type": "array", "items": {"$ref": "#/definitions/step"}, "minItems": 1}


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.empty


def _variant(then: tuple[BaseAction, ...], share: float | None = None) -> Callable[[str], tuple[Variant, bool]]:
    return lambda name: (Variant(name, share or 0.0, then), share is not None)


VARIANT = Form(
    _variant,
    (
        Setting("share", Share(), "How many of the shoppers get it.", shown_default="equal shares"),
        Setting("then", Steps(), "What happens, step by step.", required=True),
    ),
    say("a variant"),
)


class Variants(Kind[tuple[Variant, ...]]):
    """Ways to carry a rule out, by name, with their shares; they come to 100%."""

    what = say("variants with their steps, such as a: {share: 50%%, then: […]}")

    def read(self, node: Node, reading: Reading) -> tuple[Variant, ...]:
        if not isinstance(node, Mapping) or len(node.pairs) < 2:
            raise Fault(node, say("this must be at least two %(what)s", what=self.what))
        if len(node.pairs) > _MOST_VARIANTS:
            raise Fault(
                node.pairs[_MOST_VARIANTS][0],
                say("a rule has at most %(most)s variants", most=_MOST_VARIANTS),
            )
        read = [reading.attempt(self._one, key, value, reading) for key, value in node.pairs]
        found = [entry for entry in read if entry is not None]
        if len(found) < len(read):
            raise Told
        return self._shared(node, found)

    def _one(self, key: Scalar, value: Node, reading: Reading) -> tuple[Variant, bool]:
        if not key.text.isidentifier() or len(key.text) > 40:
            raise Fault(
                key, say("a variant has letters, digits and _ in its name, not '%(text)s'", text=shorten(key.text))
            )
        return VARIANT.read(value, reading)(key.text)

    def _shared(self, node: Mapping, found: list[tuple[Variant, bool]]) -> tuple[Variant, ...]:
        stated = [told for _, told in found]
        if not any(stated):
            return tuple(Variant(variant.name, 1 / len(found), variant.then) for variant, _ in found)
        total = sum(variant.share for variant, _ in found)
        if not all(stated) or abs(total - 1) > 1e-9:
            raise Fault(
                node,
                say("the shares of the variants must come to 100%%, these come to %(total)s", total=f"{total:.0%}"),
            )
        return tuple(variant for variant, _ in found)

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": VARIANT.schema(), "minProperties": 2}
