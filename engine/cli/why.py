"""``shopbell why VISITOR``: for every rule, what it says about this visitor and what keeps it silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from engine.cli import FINE, NO
from engine.cli._language import answers_in, in_words, tell
from engine.said import Said, frame, joined, say

if TYPE_CHECKING:
    from engine.explain import VisitorView


@click.command()
@click.argument("visitor")
@click.argument("rule", required=False)
@answers_in
@click.option("--shop", default="main", show_default=True, help="The shop's id in its rule file.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(visitor: str, rule: str | None, shop: str, as_json: bool) -> int:
    """Why did a rule fire for VISITOR, or why not?"""
    import msgspec

    view = _view(visitor, shop)
    if view is None:
        tell(say("Nobody called %(visitor)s was seen in shop %(shop)s.", visitor=visitor, shop=shop), err=True)
        return NO
    if rule is not None:
        rules = [item for item in view.rules if item.name == rule]
        view = msgspec.structs.replace(view, rules=rules, history=[row for row in view.history if row["rule"] == rule])
        if not view.rules and not view.history:
            tell(say("There is no rule called %(rule)s.", rule=rule), err=True)
            return NO
    if as_json:
        click.echo(msgspec.json.encode(view, enc_hook=in_words))
    else:
        _print(view)
    return FINE


def _view(visitor: str, shop: str) -> VisitorView | None:
    import sys

    import structlog

    from engine.explain import why
    from engine.live import open_rules, require_shop
    from engine.settings import Settings
    from engine.store.database import open_engine

    # What is told about the rule file must not stand in the answer.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = Settings.from_env()
    engine = open_engine(settings.database_url)
    try:
        return why(engine, require_shop(open_rules(settings, engine, remember=False), shop), visitor)
    finally:
        engine.dispose()


_OUTCOMES = {"fired": say("fired"), "held": say("held"), "stopped": say("stopped")}


def _print(view: VisitorView) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in _lines(view):
        console.print(Text(in_words(line)))


def _lines(view: VisitorView) -> Iterator[Said]:
    from engine.cli._clauses import STATES, lines_of
    from engine.clock import to_iso

    yield _head(view)
    if view.fault:
        yield frame("  %(told)s", told=say("set aside: %(fault)s", fault=view.fault))
    for rule in view.rules:
        yield frame("\n%(rule)s: %(state)s, %(why)s", rule=rule.name, state=STATES[rule.state], why=rule.why)
        yield from lines_of(rule, indent=2)
    for note in view.notes:
        head = say("Note of %(rule)s, %(at)s", rule=note["rule"], at=to_iso(note["at"]))
        yield frame("\n%(head)s\n  %(note)s", head=head, note=note["note"])
    if view.history:
        yield frame("\n%(title)s", title=say("Decisions"))
    for row in view.history:
        yield _decided(row)


def _head(view: VisitorView) -> Said:
    from engine.clock import to_iso

    look = say("next look %(at)s", at=to_iso(view.next_look_at)) if view.next_look_at else say("no look planned")
    now = to_iso(view.now)
    return say(
        "%(visitor)s in %(shop)s, at %(now)s; %(look)s", visitor=view.visitor, shop=view.shop, now=now, look=look
    )


def _decided(row: dict[str, Any]) -> Said:
    from engine.clock import to_iso

    told = frame(
        "  %(at)s %(rule)s: %(outcome)s", at=to_iso(row["at"]), rule=row["rule"], outcome=_OUTCOMES[row["outcome"]]
    )
    if not row["guard"]:
        return told
    why = joined(": ", (row["guard"], row["detail"])) if row["detail"] else row["guard"]
    return frame("%(told)s (%(why)s)", told=told, why=why)
