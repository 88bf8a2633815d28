"""``shopbell privacy``: what shop platforms asked on behalf of people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from engine.cli import NO
from engine.cli._plain import shown

if TYPE_CHECKING:
    from engine.store.privacy_requests import Request


@click.group()
def command() -> None:
    """What shop platforms asked on behalf of people: exports to give out, erasures that were carried out."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(as_json: bool) -> None:
    """Show all requests; those that wait are exports that nobody has given out yet."""
    import msgspec

    from engine.cli._people import closing_database
    from engine.store.privacy_requests import everything

    with closing_database() as engine:
        requests = everything(engine)
    if as_json:
        click.echo(msgspec.json.encode([request._asdict() for request in requests]))
        return
    for request in requests:
        click.echo(shown(_line(request)))


@command.command()
@click.argument("request")
@click.option("--done", is_flag=True, help="Note that it has been given out.")
def export(request: str, done: bool) -> None:
    """Print everything that is kept about the person whom REQUEST is about, as JSON."""
    import msgspec

    from engine.cli._people import closing_database
    from engine.store import privacy, privacy_requests

    with closing_database() as engine:
        found = privacy_requests.find(engine, request)
        if found is None or found.kind != "export" or found.person is None:
            click.echo("There is no export of anybody under that name.", err=True)
            sys.exit(NO)
        kept = privacy.export(engine, found.shop, found.person)
        click.echo(msgspec.json.format(msgspec.json.encode(kept), indent=2))
        if done:
            privacy_requests.mark_done(engine, request)


def _line(request: Request) -> str:
    from engine.clock import to_iso

    state = f"done {to_iso(request.done_at)}" if request.done_at is not None else "waits"
    about = request.person or "nobody known"
    return f"{request.id} {to_iso(request.asked_at)} {request.shop} {request.kind} {request.reference} {about}: {state}"
