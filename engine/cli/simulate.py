"""``shopbell simulate PLATFORM``: a day in a shop, with everything that a platform does to its webhooks."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import FINE, NO
from engine.cli._language import answers_in, in_words, tell
from engine.clock import FASTEST

if TYPE_CHECKING:
    from simulator.house import House
    from simulator.run import Plan


@click.command()
@click.argument("platform")
@click.option("--shoppers", type=click.IntRange(1, 400), default=50, show_default=True, help="How many come.")
@click.option(
    "--speed", type=click.IntRange(1, FASTEST), default=600, show_default=True, help="How much faster time runs."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same number is the same day.")
@click.option("--days", type=click.IntRange(1, 30), default=1, show_default=True, help="How long one waits for mails.")
@click.option("--rules", type=click.Path(path_type=Path), envvar="RULES", default="rules.yaml", help="The rule file.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to keep its Shopbell; else it is thrown away.")
@click.option("--stay", is_flag=True, help="Keep its Shopbell running afterwards, to look at the mails.")
@click.option("--at", default="", help="Use the Shopbell at this address, which was started with --settings.")
@click.option("--settings", is_flag=True, help="Only tell with which settings to start a Shopbell for --at.")
@answers_in
def command(
    platform: str,
    shoppers: int,
    speed: int,
    seed: int,
    days: int,
    rules: Path,
    folder: Path | None,
    stay: bool,
    at: str,
    settings: bool,
) -> int:
    """Live a day with a simulated shop on PLATFORM, connected to a Shopbell of its own.

    Exit code 1 when anything that was promised did not hold.
    """
    from simulator.platform import sides
    from simulator.run import Plan

    if platform not in sides():
        raise click.BadParameter(f"there is {', '.join(sides())}", param_hint="PLATFORM")
    if settings:
        return _tell_settings(platform, speed)
    if not rules.is_file() and not at:
        raise click.BadParameter(f"there is no rule file {rules}", param_hint="--rules")
    with tempfile.TemporaryDirectory(prefix="shopbell-simulated-") as scratch:
        kept = (folder or Path(scratch)).resolve()
        return _run(Plan(platform, shoppers, speed, seed, rules, kept, at, days), stay=stay)


def _tell_settings(platform: str, speed: int) -> int:
    from simulator.house import entry_of, settings_of
    from simulator.platform import side
    from simulator.ports import free_port
    from simulator.run import pace_from_now

    pace = pace_from_now(speed, seconds=60)
    chosen = side(platform)(lambda: 0)
    for name, value in settings_of(chosen, pace, f"http://127.0.0.1:{free_port()}").items():
        click.echo(f"{name}={value}")
    click.echo(f"# in the rule file, under integrations:  {entry_of(chosen)}")
    return FINE


def _stay(house: House) -> None:
    """Until Ctrl-C. With these settings `shopbell status` and `shopbell why` look at this Shopbell."""
    import signal

    for name, value in house.settings.items():
        click.echo(f"{name}={value}")
    click.echo(f"{house.url}/dev/mailbox")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        signal.pause()


def _run(plan: Plan, *, stay: bool) -> int:
    from rich.console import Console

    from simulator.promises import broken
    from simulator.report import table
    from simulator.run import Simulation

    console = Console()
    with console.status("…") as status:
        simulation = Simulation(plan, lambda words: status.update(in_words(words)))
        with simulation.running() as house:
            seen = simulation.play(house)
            problems = broken(seen)
            status.stop()
            console.print(table(seen, in_words))
            for problem in problems:
                tell(problem, err=True)
            if stay:
                _stay(house)
    sys.stdout.flush()
    return NO if problems else FINE
