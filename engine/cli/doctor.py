"""``shopbell doctor``: does the storefront script work on a page of the shop?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli import FINE, NO
from engine.cli._language import answers_in, in_words, tell
from engine.cli.status import line_of

if TYPE_CHECKING:
    from engine.doctor import Doctor
    from engine.standing import Line


@click.command()
@click.argument("url")
@answers_in
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(url: str, as_json: bool) -> int:
    """Look at the page at URL as a browser gets it: the tag, its key, the origin, the platform's script, the policy.

    What is added to the page later, by a tag manager or a theme's app embed, is not seen. Exit code 1: something is
    wrong.
    """
    import msgspec

    lines = _look(url if "://" in url else f"https://{url}")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(lines, enc_hook=in_words), indent=2))
    else:
        for line in lines:
            tell(line_of(line))
    return NO if any(line.mark.value == "wrong" for line in lines) else FINE


def _look(url: str) -> list[Line]:
    from engine.cli._quiet import tell_only_warnings
    from engine.settings import Settings
    from engine.store.database import open_engine

    tell_only_warnings()
    settings = Settings.from_env()
    engine = open_engine(settings.database_url)
    try:
        from engine.clock import machine_clock
        from engine.doctor import Doctor
        from engine.http import Caller
        from engine.live import LiveKeys, open_rules

        # Whoever types an address sits at this machine, and may look at what runs on it.
        call = Caller(permit=lambda _: True, schemes=("https", "http")).ask
        live = open_rules(settings, engine, remember=False)
        doctor: Doctor = Doctor(live, LiveKeys(engine), settings, call, machine_clock)
        return doctor.examine(url)
    finally:
        engine.dispose()
