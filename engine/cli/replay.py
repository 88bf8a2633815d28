"""``shopbell replay``: what would these rules have said to everybody who came?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import FINE, NO
from engine.cli._language import answers_in, in_figures, in_words, tell
from engine.said import Said, say

if TYPE_CHECKING:
    from rich.table import Table
    from sqlalchemy import Engine

    from engine.pipeline import ShopRules
    from engine.replay.report import Cost, Message, Report
    from engine.replay.run import Progress, Window


@click.command()
@click.argument("new", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--against", type=click.Path(dir_okay=False, path_type=Path), help="The rules to compare with; else RULES."
)
@click.option("--since", default="7d", show_default=True, help="How far back to count.")
@click.option(
    "--warm-up", default="7d", show_default=True, help="How much before that to play, to know how things stood."
)
@click.option("--examples", default=10, show_default=True, help="How many gained and lost messages to name.")
@answers_in
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for a program.")
def command(new: Path, against: Path | None, since: str, warm_up: str, examples: int, as_json: bool) -> int:
    """Play the stored events by the rules in NEW and by those in use, and tell what differs.

    Nothing is written and nothing is sent. Timers ring on the replay's own clock.
    """
    import msgspec
    import structlog

    from engine.replay.run import replay
    from engine.settings import Settings
    from engine.store.database import open_engine

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = Settings.from_env()
    after = _load(new)
    before = _load_shop(against or settings.rules, after.id)
    engine = open_engine(settings.database_url)
    try:
        window = _window(engine, since, warm_up)
        with _progress(quiet=as_json) as progress:
            report = replay(engine, before, after, window, examples=examples, progress=progress)
    finally:
        engine.dispose()
    if not report.events:
        tell(say("No events of shop %(shop)s were stored in the last %(since)s.", shop=after.id, since=since), err=True)
        return NO
    click.echo(msgspec.json.encode(report)) if as_json else _tell(report)
    return FINE


def _load(file: Path) -> ShopRules:
    from engine.integration import known
    from engine.live import ready
    from engine.rules.loader import load, read_text

    return ready(load(read_text(file), name=file.name, known_integrations=known()))


def _load_shop(path: Path, shop: str) -> ShopRules:
    """The rules of one shop in a file or a folder. Raises SettingsError when it is not there."""
    from engine.errors import SettingsError
    from engine.live import ready
    from engine.rules.loader import load_path

    loaded = load_path(path).get(shop)
    if loaded is None:
        raise SettingsError(
            say(
                "%(name)s has no shop called '%(shop)s' to compare with; name a file with --against",
                name=path.name,
                shop=shop,
            )
        )
    return ready(loaded)


def _window(engine: Engine, since: str, warm_up: str) -> Window:
    from engine.replay.run import Window
    from engine.store.database import database_now, reading

    with reading(engine) as connection:
        until = database_now(connection)
    counted, before = _duration(since), _duration(warm_up)
    return Window(until - counted, until, until - counted - before)


def _duration(text: str) -> int:
    """Raises UsageError for what is no duration."""
    from engine.rules.fields import Fault, Reading
    from engine.rules.numbers import Duration
    from engine.rules.source import Scalar, Source

    if text in ("0", "0s", "0d"):
        return 0
    try:
        return Duration().read(Scalar(text, False, 1, 1), Reading(Source("")))
    except Fault as fault:
        raise click.UsageError(in_words(fault.message)) from None


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    """A bar on a terminal; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        tasks: dict[str, Callable[[int], None]] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                task = bar.add_task(what, total=of)
                tasks[what] = lambda count: bar.update(task, completed=count)
            tasks[what](done)

        yield tell


# --- telling ----------------------------------------------------------------------------------------------------------


_WIDEST = 200


def _tell(report: Report) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(in_words(_head(report)) + "\n", soft_wrap=True)
    # As wide as it needs: a narrow terminal breaks the line, which is better than a name that is cut.
    Console(highlight=False, width=_WIDEST).print(_table(report))
    console.print("\n", _costs(report), sep="")
    for title, messages in (
        (say("gained, for example"), report.gained),
        (say("lost, for example"), report.lost),
    ):
        if messages:
            console.print(f"\n{in_words(title)}")
            _tell_messages(partial(console.print, soft_wrap=True), messages)
    if report.faults:
        console.print(f"\n{in_words(say('visitors set aside because of a fault: %(count)s', count=report.faults))}")


def _head(report: Report) -> Said:
    from engine.clock import describe

    return say(
        "%(events)s events of %(visitors)s visitors in %(span)s, of whom rules could touch %(played)s (%(seconds)s s)",
        events=in_figures(report.events),
        visitors=in_figures(report.visitors),
        span=describe(report.until - report.since),
        played=in_figures(report.played),
        seconds=in_figures(report.seconds, 1),
    )


def _table(report: Report) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(in_words(say("rule")), no_wrap=True)
    for title in (say("before"), say("after"), say("gained"), say("lost")):
        table.add_column(in_words(title), justify="right", no_wrap=True)
    table.add_column(in_words(say("held back (before → after)")))
    for rule in report.rules:
        guards = sorted(rule.held_before.keys() | rule.held_after.keys())
        pairs = ((guard, rule.held_before.get(guard, 0), rule.held_after.get(guard, 0)) for guard in guards)
        held = [f"{guard} {in_figures(before)} → {in_figures(after)}" for guard, before, after in pairs]
        counts = (rule.before, rule.after, rule.gained, rule.lost)
        table.add_row(rule.rule, *map(in_figures, counts), "\n".join(held))
    return table


def _costs(report: Report) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row(in_words(say("messages")), in_words(say("before")), in_words(_cost(report.before)))
    table.add_row("", in_words(say("after")), in_words(_cost(report.after)))
    return table


def _cost(cost: Cost) -> Said:
    kinds = ", ".join(f"{in_figures(count)} {kind}" for kind, count in sorted(cost.messages.items())) or say("none")
    return say("%(kinds)s (%(each)s per visitor)", kinds=kinds, each=in_figures(cost.per_visitor, 3))


def _tell_messages(tell: Callable[[str], None], messages: list[Message]) -> None:
    from engine.clock import to_iso

    for message in messages:
        tell(f"  {to_iso(message.at)} {message.visitor} {message.rule}")
