"""``shopbell test``: do the rules what they should?"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import FINE, NO, WRONG_USE
from engine.cli._language import answers_in, in_words, tell
from engine.said import Said, frame, joined, say, say_count

if TYPE_CHECKING:
    from engine.pipeline import ShopRules
    from engine.rehearsal.mutate import Mutant
    from engine.rehearsal.script import Script
    from engine.rehearsal.stage import Failure, Played


@click.command()
@click.argument("rules", default=lambda: os.environ.get("RULES") or "rules.yaml", type=click.Path(path_type=Path))
@click.argument("tests", nargs=-1, type=click.Path(path_type=Path))
@answers_in
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the results here as JUnit XML.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for a program.")
@click.option("--mutate", is_flag=True, help="Take every clause away once, and tell what no test would notice.")
def command(rules: Path, tests: tuple[Path, ...], junit: Path | None, as_json: bool, mutate: bool) -> int:
    """Play the tests of a rule file on a clock of their own.

    RULES is what RULES names, or rules.yaml. TESTS are files of tests; unless named, rules.test.yaml beside rules.yaml.
    Exit code 1 says that a test failed (or, with --mutate, that something is not protected); 2 that there was nothing
    to play.
    """
    played: list[tuple[str, Played]] = []
    unprotected: list[tuple[str, Mutant]] = []
    taken = 0
    for rule_file, test_files in _pairs(rules, tests):
        shop = _load_rules(rule_file)
        scripts = [(file.name, script) for file in test_files for script in _load_tests(file, shop)]
        results = [(name, _play(script, shop)) for name, script in scripts]
        played.extend(results)
        if mutate and all(result.passed for _, result in results):
            made, alive = _mutate(shop, [script for _, script in scripts], quiet=as_json)
            taken += made
            unprotected.extend((rule_file.name, mutant) for mutant in alive)
    if not played:
        tell(frame("%(program)s: %(said)s", program="shopbell", said=say("there is no test to play")), err=True)
        return WRONG_USE
    if junit is not None:
        from engine.cli._junit import write

        write(junit, played)
    _tell_program(played, unprotected) if as_json else _tell_person(played, unprotected, taken if mutate else None)
    return FINE if all(result.passed for _, result in played) and not unprotected else NO


def _pairs(rules: Path, tests: tuple[Path, ...]) -> list[tuple[Path, list[Path]]]:
    """Each rule file with its files of tests. Raises RuleFileError for a rule file that is not there."""
    from engine.errors import RuleFileError
    from engine.rules.loader import rule_files

    files = rule_files(rules)
    if tests:
        return [(files[0], list(tests))]
    pairs = [(file, file.with_name(f"{file.stem}.test{file.suffix}")) for file in files]
    present = [(file, [test]) for file, test in pairs if test.is_file()]
    if not present:
        raise RuleFileError(say("there are no tests: %(name)s is not there", name=pairs[0][1].name))
    return present


def _load_rules(file: Path) -> ShopRules:
    from engine.integration import known
    from engine.live import ready
    from engine.rules.loader import load, read_text

    return ready(load(read_text(file), name=file.name, known_integrations=known()))


def _load_tests(file: Path, shop: ShopRules) -> tuple[Script, ...]:
    from engine.rehearsal.script import load
    from engine.rules.loader import read_text

    return load(read_text(file), shop.rules, name=file.name)


def _play(script: Script, shop: ShopRules) -> Played:
    from engine.rehearsal.stage import play

    return play(script, shop)


def _mutate(shop: ShopRules, scripts: list[Script], *, quiet: bool) -> tuple[int, list[Mutant]]:
    from rich.console import Console
    from rich.progress import Progress

    from engine.rehearsal.mutate import mutants, survivors

    total = sum(1 for rule in shop.rules.rules for _ in mutants(rule))
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(in_words(say("taking clauses away")), total=total)
        return survivors(shop, scripts, tell=lambda: progress.advance(task))


# --- telling ----------------------------------------------------------------------------------------------------------


def _tell_person(played: list[tuple[str, Played]], unprotected: list[tuple[str, Mutant]], taken: int | None) -> None:
    for name, result in played:
        click.echo(f"{'✓' if result.passed else '✗'} {result.script.name}")
        for failure in result.failures:
            tell(_describe(name, failure))
    failed = sum(not result.passed for _, result in played)
    click.echo()
    tell(say_count("1 test, %(failed)s failed", "%(count)s tests, %(failed)s failed", count=len(played), failed=failed))
    if taken is None:
        return
    if failed:
        tell(say("clauses are taken away only when every test passes"))
        return
    for file, mutant in unprotected:
        tell(_unnoticed(file, mutant))
    noticed = taken - len(unprotected)
    tell(say("things taken away: %(taken)s, noticed: %(noticed)s", taken=taken, noticed=noticed))


def _unnoticed(file: str, mutant: Mutant) -> Said:
    rule, what = mutant.rule, mutant.what
    unnoticed = say("no test notices this: %(what)s", what=what)
    return frame("%(place)s: %(rule)s: %(unnoticed)s", place=f"{file}:{rule.line}", rule=rule.name, unnoticed=unnoticed)


def _describe(name: str, failure: Failure) -> Said:
    from engine.cli._clauses import lines_of, standing_of
    from engine.clock import describe

    place = f"    {name}:{failure.line}:{failure.column}"
    at = say("at %(at)s: %(message)s", at=describe(failure.at), message=failure.message)
    lines = [frame("%(place)s: %(told)s", place=place, told=at)]
    view = failure.view
    if view is not None:
        then = say("%(rule)s then: %(told)s", rule=view.name, told=standing_of(view))
        lines += [frame("    %(then)s", then=then), *lines_of(view.clauses, indent=6)]
    return joined("\n", lines)


def _tell_program(played: list[tuple[str, Played]], unprotected: list[tuple[str, Mutant]]) -> None:
    answer: dict[str, Any] = {
        "ok": all(result.passed for _, result in played) and not unprotected,
        "tests": [
            {
                "file": name,
                "line": result.script.line,
                "name": result.script.name,
                "rule": result.script.rule,
                "passed": result.passed,
                "failures": [
                    {"line": f.line, "column": f.column, "at_ms": f.at, "message": in_words(f.message)}
                    for f in result.failures
                ],
            }
            for name, result in played
        ],
        "unprotected": [
            {"file": file, "line": mutant.rule.line, "rule": mutant.rule.name, "what": in_words(mutant.what)}
            for file, mutant in unprotected
        ],
    }
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
