"""``shopbell status``: is each shop connected, and does it work?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from engine.cli import FINE, NO
from engine.cli._language import answers_in, in_words, tell
from engine.cli._shops import opened_shops
from engine.said import Said, frame, say

if TYPE_CHECKING:
    from engine.standing import Connected, Line, Standing

_SIGNS = {"fine": "✓", "waits": "…", "wrong": "✗"}


@click.command()
@click.argument("name", metavar="[INTEGRATION]", required=False)
@click.option("--shop", help="Of this shop only.")
@answers_in
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(name: str | None, shop: str | None, as_json: bool) -> int:
    """Tell how each shop's pages and platforms stand: what came, what was refused and why, what they answer.

    INTEGRATION is one of them, such as shopify, or pages. Nothing outside is asked. Exit code 1: something is wrong.
    """
    import msgspec

    standing = _look(shop, name)
    if name is not None and not any(standing.shops.values()):
        tell(say("No shop here is connected with %(name)s.", name=name), err=True)
        return NO
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_for_programs(standing), enc_hook=in_words), indent=2))
    else:
        for line in _lines(standing):
            tell(line)
    return FINE if standing.is_well else NO


def _look(shop: str | None, name: str | None) -> Standing:
    from engine.standing import Standing, how_it_stands

    with opened_shops(shop) as (settings, engine, shops):
        standing = how_it_stands(engine, shops, settings)
    if name is None:
        return standing
    chosen = {shop: tuple(each for each in them if each.name == name) for shop, them in standing.shops.items()}
    return Standing(chosen, tuple(line for line in standing.strays if line.about == name))


def _for_programs(standing: Standing) -> dict[str, Any]:
    shops = {shop: [_connection(each) for each in them] for shop, them in standing.shops.items()}
    return {"well": standing.is_well, "shops": shops, "strays": standing.strays}


def _connection(connected: Connected) -> dict[str, Any]:
    return {"name": connected.name, "mark": connected.mark, "lines": connected.lines}


def _lines(standing: Standing) -> Iterator[Said]:
    for shop, connections in standing.shops.items():
        for connected in connections:
            head = f"{shop} {connected.name}" + (f" ({connected.title})" if connected.title else "")
            yield frame("%(sign)s %(head)s", sign=_SIGNS[connected.mark], head=head)
            yield from map(line_of, _together(connected.lines))
    if standing.strays:
        yield say("Came to the address of no shop here, in the last week:")
        yield from map(line_of, standing.strays)


def _together(lines: Iterable[Line]) -> Iterator[Line]:
    """Of a key that is refused every poll says the same: that is one line for a person."""
    import msgspec

    said: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        said.setdefault((line.mark, line.says), []).append(line)
    for same in said.values():
        yield msgspec.structs.replace(same[0], about=", ".join(dict.fromkeys(line.about for line in same)))


def line_of(line: Line) -> Said:
    """One thing that is told, with its sign."""
    return frame("  %(sign)s %(about)s: %(says)s", sign=_SIGNS[line.mark], about=line.about, says=line.says)
