"""The ``shopbell`` command as a whole: its help, its exit codes, its one sentence for each error."""

from __future__ import annotations

import subprocess
import sys
from subprocess import CompletedProcess

import click
import pytest

from engine.cli import run, shopbell
from tests.parts import DEADLINE_S


def python(*arguments: str, environment: dict[str, str] | None = None) -> CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )


def test_every_module_is_a_command_with_a_line_of_help() -> None:
    context = click.Context(shopbell)
    names = shopbell.list_commands(context)
    assert {"up", "web", "worker", "clock", "mailbox", "db"} <= set(names)
    for name in names:
        command = shopbell.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str().strip(), f"engine/cli/{name}.py needs a docstring on its command"


def test_help_is_quick_because_it_loads_nothing_heavy() -> None:
    heavy = "{'flask', 'sqlalchemy', 'redis', 'rq', 'requests', 'granian', 'alembic', 'asyncio', 'structlog'}"
    answer = python(
        "-c", f"import sys, engine.cli; engine.cli.run(['--help']); print(sorted({heavy} & set(sys.modules)))"
    )
    assert answer.returncode == 0
    assert "Start everything in this terminal" in answer.stdout
    assert answer.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["up", "--no-such-option"], ["db", "downgrade"]])
def test_wrong_use_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "No such" in capsys.readouterr().err


def test_wrong_settings_are_one_plain_line_and_exit_code_2(environment: dict[str, str]) -> None:
    answer = python("-m", "engine.cli", "mailbox", environment={**environment, "PORT": "eighty"})
    assert answer.returncode == 2
    assert answer.stderr == "shopbell: PORT must be a whole number from 1 to 65535, not 'eighty'.\n"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    answer = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m engine.cli --help | true"], capture_output=True, text=True, check=True
    )
    assert answer.stderr == ""
