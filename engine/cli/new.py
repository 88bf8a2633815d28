"""``shopbell new NAME``: a ready rule with its tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import FINE
from engine.cli._language import LANGUAGES, in_words, speak, spoken, tell
from engine.said import frame, noted, say

if TYPE_CHECKING:
    from engine.rules.blueprints import Filled
    from engine.rules.shop import Shop


@click.command()
@click.argument("name", required=False)
@click.option("--list", "as_list", is_flag=True, help="Tell which blueprints there are, with their blanks.")
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="nl, en or both, for the rule and for the answer; else those of --into.",
)
@click.option("--set", "settings", multiple=True, metavar="BLANK=VALUE", help="Fill in a blank.")
@click.option("--into", type=click.Path(dir_okay=False, path_type=Path), help="Add it to this file, and its tests.")
def command(
    name: str | None, as_list: bool, languages: tuple[str, ...], settings: tuple[str, ...], into: Path | None
) -> int:
    """Print the blueprint NAME as a rule for your file, or add it there together with its tests."""
    from engine.rules.blueprints import as_the_shop_has_it, fill

    # Who wants rules in Dutch is answered in Dutch too.
    speak(next((language for language in languages if language in LANGUAGES), spoken()))
    if as_list:
        _list()
        return FINE
    if name is None:
        raise click.UsageError(in_words(say("name a blueprint; --list tells which there are")))
    shop = _shop_of(into)
    filled = fill(name, as_the_shop_has_it(name, shop) | _values(settings), languages or shop.languages)
    if into is None:
        click.echo(filled.rule, nl=False)
        return FINE
    _add(filled, into)
    return FINE


def _values(settings: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign:
            raise click.UsageError(in_words(say("--set %(setting)s: write BLANK=VALUE", setting=setting)))
        values[name.strip()] = value
    return values


def _shop_of(into: Path | None) -> Shop:
    from engine.rules.blueprints import LANGUAGES
    from engine.rules.loader import load, read_text
    from engine.rules.shop import Shop

    return Shop(languages=LANGUAGES) if into is None else load(read_text(into), name=into.name).shop


def _list() -> None:
    from engine.rules.blueprints import blueprint, names

    for name in names():
        plan = blueprint(name)
        click.echo(f"{name}\n    {plan.about[spoken()]}")
        for blank, told in plan.blanks.items():
            filled = f"{blank}={told.default}"
            click.echo(f"      --set {filled:<20} {in_words(noted(told.says))} ({in_words(noted(told.kind))})")
        for need, value in plan.needs.items():
            needs = say("needs %(need)s in the shop's section, such as %(value)s", need=need, value=value)
            tell(frame("      %(needs)s", needs=needs))


def _add(filled: Filled, into: Path) -> None:
    """Add the rule to the file and the tests to the one beside it; both must be good before either is written."""
    from engine.rehearsal import script
    from engine.rules.layout import add_entry
    from engine.rules.loader import load, read_text

    beside = into.with_name(f"{into.stem}.test{into.suffix}")
    tests = read_text(beside) if beside.is_file() else "tests:\n"
    text = add_entry(read_text(into), "rules", filled.rule)
    rules = load(text, name=into.name)
    more = add_entry(tests, "tests", filled.tests)
    script.load(more, rules, name=beside.name)
    _replace(into, text)
    _replace(beside, more)
    tell(
        say(
            "%(rule)s stands in %(file)s now, and its tests in %(tests)s; try `shopbell test %(into)s`",
            rule=filled.name,
            file=into.name,
            tests=beside.name,
            into=str(into),
        )
    )
    missing = [need for need in filled.needs if not getattr(rules.shop, need)]
    for need in missing:
        tell(
            say(
                "It needs %(need)s in the shop's section, such as %(need)s: %(value)s",
                need=need,
                value=filled.needs[need],
            )
        )


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    if path.exists():
        beside.chmod(path.stat().st_mode & 0o777)
    beside.replace(path)
