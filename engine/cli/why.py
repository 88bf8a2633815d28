"""``shopbell why VISITOR``: for every rule, what it says about this visitor and what keeps it silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli import FINE, NO

if TYPE_CHECKING:
    from engine.explain import VisitorView


@click.command()
@click.argument("visitor")
@click.argument("rule", required=False)
@click.option("--shop", default="main", show_default=True, help="The shop's id in its rule file.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(visitor: str, rule: str | None, shop: str, as_json: bool) -> int:
    """Why did a rule fire for VISITOR, or why not?"""
    import msgspec

    view = _view(visitor, shop)
    if view is None:
        click.echo(f"Nobody called {visitor} was seen in shop {shop}.", err=True)
        return NO
    if rule is not None:
        rules = [item for item in view.rules if item.name == rule]
        view = msgspec.structs.replace(view, rules=rules, history=[row for row in view.history if row["rule"] == rule])
        if not view.rules and not view.history:
            click.echo(f"There is no rule called {rule}.", err=True)
            return NO
    if as_json:
        click.echo(msgspec.json.encode(view))
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


MARKS = {"met": "✓", "not_met": "✗", "not_yet": "…", "unknown": "?"}


def _print(view: VisitorView) -> None:
    from rich.console import Console
    from rich.text import Text

    from engine.clock import to_iso

    console = Console(highlight=False)
    look = f"next look {to_iso(view.next_look_at)}" if view.next_look_at else "no look planned"
    console.print(Text(f"{view.visitor} in {view.shop}, at {to_iso(view.now)}; {look}"))
    if view.fault:
        console.print(Text(f"  set aside: {view.fault}"))
    for rule in view.rules:
        console.print(Text(f"\n{rule.name}: {rule.state}, {rule.why}"))
        for clause in rule.clauses:
            seen = f"  saw {clause.seen}" if clause.seen else ""
            wanted = f", wanted {clause.wanted}" if clause.wanted else ""
            console.print(Text(f"  {'  ' * clause.depth}{MARKS[clause.verdict]} {clause.text}{seen}{wanted}"))
    for note in view.notes:
        console.print(Text(f"\nNote of {note['rule']}, {to_iso(note['at'])}\n  {note['note']}"))
    if view.history:
        console.print(Text("\nDecisions"))
    for row in view.history:
        guard = f" ({row['guard']}{': ' + row['detail'] if row['detail'] else ''})" if row["guard"] else ""
        console.print(Text(f"  {to_iso(row['at'])} {row['rule']}: {row['outcome']}{guard}"))
