"""The ``shopbell`` command. A module here is a command; nothing else has to know of it.

``engine/cli/why.py`` is ``shopbell why``: it holds a :class:`click.Command` (or group) named ``command``, and the first
line of that command's docstring is its line in ``shopbell --help``. A ``_`` in a module's name is a ``-`` in the
command's, and modules that start with ``_`` are not commands. ``--help`` imports every module, so whatever is heavy is
imported inside the function that needs it.

Exit codes: 0 fine, 1 the answer is no, 2 wrong use (the settings included). Errors are one plain sentence on stderr.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence

import click

from engine.cli._language import in_words, language_of, speak
from engine.errors import RuleFileError, SettingsError, ShopbellError
from engine.tether import die_with_supervisor

FINE, NO, WRONG_USE = 0, 1, 2


class _Modules(click.Group):
    """A group whose commands are this package's modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (module.name for module in pkgutil.iter_modules(__path__))
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"{__name__}.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command), f"engine/cli/{cmd_name}.py must hold a click command named `command`"
        return command


@click.group(cls=_Modules, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shopbell", message="%(version)s")
def shopbell() -> None:
    """The bell over a web shop's door."""


def main() -> None:
    """What the installed ``shopbell`` runs."""
    die_with_supervisor()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; problems are told on stderr."""
    speak(language_of(os.environ))
    try:
        code = shopbell.main(list(arguments), prog_name="shopbell", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ShopbellError as error:
        return tell(error)
    except (click.Abort, KeyboardInterrupt):
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; the interpreter must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code if isinstance(code, int) else FINE


def tell(error: ShopbellError) -> int:
    """Tell an error on stderr, with its problems where it has several, and return the exit code it stands for."""
    click.echo(f"shopbell: {in_words(error.message)}", err=True)
    for problem in error.problems if isinstance(error, RuleFileError) else ():
        click.echo(in_words(problem), err=True)
    return WRONG_USE if isinstance(error, SettingsError) else NO
