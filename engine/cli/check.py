"""``shopbell check``: is the rule file in order?"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, TypedDict

import click

from engine.cli import FINE, NO
from engine.cli._language import answers_in, in_words, tell
from engine.said import Said, frame, joined, say, say_count

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
@answers_in
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
            tell(problem.rendered, err=True)
        for warning in examination.warnings:
            tell(say("warning: %(warning)s", warning=warning.rendered))
        if examination.rule_set is not None:
            rules = say_count(
                "1 rule, no problems", "%(count)s rules, no problems", count=len(examination.rule_set.rules)
            )
            tell(joined(", ", (frame("%(name)s: %(rules)s", name=path.name, rules=rules), *_doubts(examination))))
        else:
            problems = say_count("1 problem", "%(count)s problems", count=len(examination.problems))
            tell(frame("%(name)s: %(problems)s", name=path.name, problems=problems), err=True)


def _doubts(examination: Examination) -> list[Said]:
    warned = len(examination.warnings)
    return [say_count("1 warning", "%(count)s warnings", count=warned)] if warned else []


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
    return {"file": path.name, "line": problem.line, "column": problem.column, "message": in_words(problem.message)}
