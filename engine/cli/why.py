"""``shopbell why WHO``: for every rule, what it says about this shopper and what keeps it silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from engine.cli import FINE, NO
from engine.cli._language import answers_in, in_words, tell
from engine.cli._plain import shown
from engine.said import Said, frame, joined, say

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from engine.explain import VisitorView


@click.command()
@click.argument("who")
@click.argument("rule", required=False)
@answers_in
@click.option("--shop", default="main", show_default=True, help="The shop's id in its rule file.")
@click.option("--at", "moment", help="A moment that is over: 2026-11-20T14:03, or 5m ago.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(who: str, rule: str | None, shop: str, moment: str | None, as_json: bool) -> int:
    """Why did a rule fire for WHO, or why not?

    WHO is a visitor's id, or what leads to one or more of them: an address, a customer number, a person's id, or a
    platform's name for a cart, a checkout or an order, such as shopify:order:1042.

    With --at: how that was at a moment that is over, told as what happened then is stored. A time without a zone is
    meant on the shop's own clock, its time_zone.
    """
    import msgspec

    views, zone = _views(who, shop, moment)
    if not views:
        tell(_nobody(who, shop, moment), err=True)
        return NO
    if rule is not None:
        views = [_only(view, rule) for view in views]
        if not any(view.rules or view.history for view in views):
            tell(say("There is no rule called %(rule)s.", rule=rule), err=True)
            return NO
    for number, view in enumerate(views):
        if as_json:
            click.echo(msgspec.json.encode(view, enc_hook=in_words))
        else:
            click.echo("\n" if number else "", nl=False)
            _print(view, zone, traces=rule is not None)
    return FINE


def _only(view: VisitorView, rule: str) -> VisitorView:
    import msgspec

    rules = [item for item in view.rules if item.name == rule]
    history, messages = ([row for row in rows if row["rule"] == rule] for rows in (view.history, view.messages))
    return msgspec.structs.replace(view, rules=rules, history=history, messages=messages)


def _nobody(who: str, shop: str, moment: str | None) -> Said:
    if moment is None:
        return say("Nobody called %(who)s was seen in shop %(shop)s.", who=who, shop=shop)
    return say(
        "Nobody called %(who)s was seen in shop %(shop)s by then (%(moment)s).", who=who, shop=shop, moment=moment
    )


def _views(who: str, shop: str, moment: str | None) -> tuple[list[VisitorView], ZoneInfo]:
    """Of everybody whom that leads to, whoever was seen last first."""
    from engine.cli._people import visitors_called
    from engine.cli._quiet import tell_only_warnings
    from engine.errors import InvalidMoment
    from engine.live import open_rules, require_shop
    from engine.past import why_at
    from engine.settings import Settings
    from engine.store.database import open_engine

    # Which file is live is no part of the answer; what is wrong with it is told beside it.
    tell_only_warnings()
    settings = Settings.from_env()
    engine = open_engine(settings.database_url)
    try:
        rules = require_shop(open_rules(settings, engine, remember=False), shop)
        views = (why_at(engine, rules, visitor, moment) for visitor in visitors_called(engine, shop, who))
        return [view for view in views if view is not None], rules.rules.shop.zone
    except InvalidMoment as error:
        raise click.UsageError(in_words(error.message)) from None
    finally:
        engine.dispose()


_OUTCOMES = {"fired": say("fired"), "held": say("held"), "stopped": say("stopped")}


def _print(view: VisitorView, zone: ZoneInfo, *, traces: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in _lines(view, zone, traces=traces):
        console.print(Text(shown(in_words(line))), soft_wrap=True)


def _lines(view: VisitorView, zone: ZoneInfo, *, traces: bool) -> Iterator[Said]:
    """``traces`` adds to each decision what its clauses saw then."""
    from engine.cli._clauses import lines_of, standing_of
    from engine.clock import to_iso

    yield _head(view, zone)
    for sentence in view.unknown:
        yield frame("  ? %(told)s", told=sentence)
    if view.fault:
        yield frame("  %(told)s", told=say("set aside: %(fault)s", fault=view.fault))
    for rule in view.rules:
        yield frame("\n%(rule)s: %(told)s", rule=rule.name, told=standing_of(rule))
        yield from lines_of(rule.clauses, indent=2)
    for note in view.notes:
        head = say("Note of %(rule)s, %(at)s", rule=note["rule"], at=to_iso(note["at"]))
        yield frame("\n%(head)s\n  %(note)s", head=head, note=note["note"])
    if view.messages:
        yield frame("\n%(title)s", title=say("Messages"))
    for row in view.messages:
        yield _brought(row)
    if view.history:
        yield frame("\n%(title)s", title=say("Decisions"))
    for row in view.history:
        yield _decided(row)
        yield from lines_of(row["clauses"], indent=4) if traces else ()


def _head(view: VisitorView, zone: ZoneInfo) -> Said:
    from engine.clock import to_iso
    from engine.past import on_the_clock

    look = say("next look %(at)s", at=to_iso(view.next_look_at)) if view.next_look_at else say("no look planned")
    # Whoever names a moment names it on the shop's clock; everything else is told in UTC, as in the log.
    now = f"{on_the_clock(view.now, zone)} = {to_iso(view.now)}" if view.past else to_iso(view.now)
    return say(
        "%(visitor)s in %(shop)s, at %(now)s; %(look)s", visitor=view.visitor, shop=view.shop, now=now, look=look
    )


def _brought(row: dict[str, Any]) -> Said:
    from engine.clock import to_iso

    # What became of it is a word of the table that an operator also sees, and what a relay or a platform said.
    became = joined(" ", (row["kind"], row["state"]))
    head = frame("  %(at)s %(rule)s: %(became)s", at=to_iso(row["at"]), rule=row["rule"], became=became)
    return frame("%(head)s (%(result)s)", head=head, result=row["result"]) if row["result"] else head


def _decided(row: dict[str, Any]) -> Said:
    from engine.clock import to_iso

    told = frame(
        "  %(at)s %(rule)s: %(outcome)s", at=to_iso(row["at"]), rule=row["rule"], outcome=_OUTCOMES[row["outcome"]]
    )
    if not row["guard"]:
        return told
    why = joined(": ", (row["guard"], row["detail"])) if row["detail"] else row["guard"]
    return frame("%(told)s (%(why)s)", told=told, why=why)
