"""What a rule does when it is met: its steps, in order."""

from __future__ import annotations

from engine.clock import DAY, Millis
from engine.rules.fields import (
    Choice,
    Fault,
    Kind,
    OneOrMore,
    Reading,
    Schema,
    Text,
    Texts,
    Told,
    did_you_mean,
    shorten,
)
from engine.rules.forms import Clash, Form, Setting
from engine.rules.model import CALLS, OFFERS, PROMISES, TEMPLATES, Email, Invite, Step, Translations, Wait
from engine.rules.numbers import Duration
from engine.rules.shop_fields import Url
from engine.rules.source import Mapping, Node, Scalar, Sequence


def _invite(
    text: Translations,
    opens: str = "chat",
    href: str = "",
    agent: str = "",
    picture: str = "",
    label: Translations | None = None,
    expires_ms: Millis = Invite.expires_ms,
) -> Invite:
    if opens == "link" and not href:
        raise Clash("'opens: link' needs an href: where the button leads")
    if href and opens != "link":
        raise Clash(f"'href' is for 'opens: link'; this invitation opens {opens}")
    return Invite(text, agent, picture, opens, href, label or {}, expires_ms)


INVITE = Form(
    _invite,
    (
        Setting("text", Texts(Text(300)), "What the shopper reads; one or two sentences.", required=True, main=True),
        Setting("agent", Text(60), "The name it comes from."),
        Setting("picture", Url(path=True), "That person's picture."),
        Setting("opens", Choice(("chat", "phone", "link")), "What the button opens.", shown_default="chat"),
        Setting("href", Url(path=True), "Where the button leads, with `opens: link`."),
        Setting("label", Texts(Text(40)), "The button's own words."),
        Setting(
            "expires",
            Duration(DAY),
            "How long it may wait for a page that can show it.",
            attribute="expires_ms",
            shown_default="10m",
        ),
    ),
    "'invite'",
)

EMAIL = Form(
    Email,
    (
        Setting("template", Choice(TEMPLATES), "Which mail.", required=True, main=True),
        Setting("offer", Choice(OFFERS), "What it offers."),
        Setting("promise", Choice(PROMISES), "What it reminds of."),
        Setting("call", OneOrMore(Choice(CALLS)), "Which ways to a person it names, in this order."),
        Setting("subject", Texts(Text(150)), "A subject of its own."),
        Setting("text", Texts(Text(2_000, lines=True)), "An opening paragraph of its own."),
    ),
    "'email'",
)

WAIT = Form(
    Wait,
    (Setting("ms", Duration(90 * DAY), "How long until the next step.", required=True, main=True),),
    "'wait'",
    bare=True,
)

STEPS: dict[str, tuple[Form[Invite] | Form[Email] | Form[Wait], str]] = {
    "invite": (INVITE, "Offers a chat on the page, while the shopper is there."),
    "email": (EMAIL, "Sends a mail, to whoever may be mailed and has not bought since."),
    "wait": (WAIT, "Waits before the next step; `until` says what makes the rest superfluous."),
}
"""The steps, each with its settings and its sentence in the reference."""


_MOST_STEPS = 20


class Steps(Kind[tuple[Step, ...]]):
    """``then``: a list of steps."""

    what = "a list of steps such as - invite: …"

    def read(self, node: Node, reading: Reading) -> tuple[Step, ...]:
        if not isinstance(node, Sequence):
            raise Fault(node, "this must be a list: put '- ' before each step, also when there is only one")
        if not node.items:
            raise Fault(node, "this list is empty, so the rule would do nothing; give at least one step")
        if len(node.items) > _MOST_STEPS:
            raise Fault(node.items[_MOST_STEPS], f"a rule has at most {_MOST_STEPS} steps")
        steps = [reading.attempt(self._step, item, reading) for item in node.items]
        found = tuple(step for step in steps if step is not None)
        if len(found) < len(steps):
            raise Told
        if isinstance(found[-1], Wait):
            raise Fault(node.items[-1], "nothing comes after this wait; add a step or remove it")
        return found

    def _step(self, node: Node, reading: Reading) -> Step:
        if not isinstance(node, Mapping) or not node.pairs:
            raise Fault(node, f"this must be a step such as wait: 1d; there are {', '.join(STEPS)}")
        key, value = node.pairs[0]
        if key.text not in STEPS:
            raise Fault(key, f"unknown step '{shorten(key.text)}'{did_you_mean(key.text, STEPS)}")
        if len(node.pairs) > 1:
            second = node.pairs[1][0]
            raise Fault(second, f"one step an entry: put '- ' before '{shorten(second.text)}', or indent it further")
        form, _ = STEPS[key.text]
        # An empty value is reported at the step's own word, where a person looks for it.
        return form.read(Scalar("", False, key.line, key.column) if _is_empty(value) else value, reading)

    def schema(self) -> Schema:
        step = {
            "type": "object",
            "properties": {word: {"description": says, **form.schema()} for word, (form, says) in STEPS.items()},
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        }
        return {"type": "array", "items": step, "minItems": 1}


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.empty
