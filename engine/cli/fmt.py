"""``shopbell fmt``: a rule file laid out as we write them, with its comments."""

from __future__ import annotations

import os
from pathlib import Path

import click

from engine.cli import FINE, NO
from engine.cli._language import answers_in, tell
from engine.said import say


@click.command()
@click.argument("file", default=lambda: os.environ.get("RULES") or "rules.yaml", type=click.Path(path_type=Path))
@answers_in
@click.option("--check", is_flag=True, help="Change nothing; the exit code says whether there is something to do.")
def command(file: Path, check: bool) -> int:
    """Lay a rule file (or every one of a folder) out anew, without changing what it says.

    Indentation, quotes, durations and the order of a rule's settings become the same everywhere. Comments stay, and
    nothing is moved past one.
    """
    from engine.rules.layout import tidy
    from engine.rules.loader import read_text, rule_files

    untidy = []
    for path in rule_files(file):
        text = read_text(path)
        tidied = tidy(text, name=path.name)
        if tidied == text:
            continue
        untidy.append(path.name)
        if not check:
            _replace(path, tidied)
    for name in untidy:
        tell(
            say("%(name)s: would be laid out anew", name=name)
            if check
            else say("%(name)s: was laid out anew", name=name)
        )
    return NO if check and untidy else FINE


def _replace(path: Path, text: str) -> None:
    """In one step, so that whoever reads the file meanwhile never sees half of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(path.stat().st_mode & 0o777)
    beside.replace(path)
