"""``shopbell check``: is the rule file in order?"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, TypedDict

import click

from engine.cli import FINE, NO

if TYPE_CHECKING:
    from pathlib import Path

    from engine.rules.loader import Examination
    from engine.rules.source import Problem


class _Told(TypedDict):
    file: str
    line: int
    column: int
    message: str


@click.command()
@click.argument("file", default=lambda: os.environ.get("RULES") or "rules.yaml", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for a program.")
def command(file: str, as_json: bool) -> int:
    """Tell everything that is wrong with a rule file (or a folder of them), with line and column.

    FILE is what RULES names, or rules.yaml. Problems go to stderr and the exit code is 1; warnings are only told.
    """
    from pathlib import Path

    from engine.rules.loader import rule_files

    found = {path: _examine(path) for path in rule_files(Path(file))}
    if as_json:
        _tell_program(found)
    else:
        _tell_person(found)
    return NO if any(examination.problems for examination in found.values()) else FINE


def _examine(path: Path) -> Examination:
    from engine.integration import known
    from engine.rules.loader import examine, read_text

    production = os.environ.get("SHOPBELL_ENV", "") == "production"
    return examine(read_text(path), name=path.name, known_integrations=known(), production=production)


def _tell_person(found: dict[Path, Examination]) -> None:
    for path, examination in found.items():
        for problem in examination.problems:
            click.echo(str(problem), err=True)
        for warning in examination.warnings:
            click.echo(f"warning: {warning}")
        if examination.rule_set is not None:
            click.echo(f"{path.name}: {_count(len(examination.rule_set.rules), 'rule')}, no problems")
        else:
            click.echo(f"{path.name}: {_count(len(examination.problems), 'problem')}", err=True)


def _tell_program(found: dict[Path, Examination]) -> None:
    answer = {
        "ok": not any(examination.problems for examination in found.values()),
        "problems": [_told(path, problem) for path, seen in found.items() for problem in seen.problems],
        "warnings": [_told(path, warning) for path, seen in found.items() for warning in seen.warnings],
        "rules": [
            {"file": path.name, "shop": seen.rule_set.shop.id, "name": rule.name, "hash": rule.hash, "line": rule.line}
            for path, seen in found.items()
            if seen.rule_set is not None
            for rule in seen.rule_set.rules
        ],
    }
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def _told(path: Path, problem: Problem) -> _Told:
    return {"file": path.name, "line": problem.line, "column": problem.column, "message": problem.message}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
