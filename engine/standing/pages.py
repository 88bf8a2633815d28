"""The shop's pages: do they reach us, and with a key that is let in?"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from engine.clock import Millis
from engine.said import joined, say
from engine.standing.lines import Connected, Line, Mark
from engine.standing.scene import Scene, refusals
from engine.store import heard
from engine.store.heard import REFUSED, Tally
from engine.store.keys import PUBLIC, list_keys
from engine.store.unit import EVENTS

_LOOKED_THROUGH = 5_000
"""So many of the latest events are looked through for one from a page; a busy shop's server may tell more than that."""


def connected_pages(scene: Scene) -> Connected:
    """Keys, origins, and when a page was heard last."""
    return Connected("pages", "", tuple(_lines(scene)))


def _lines(scene: Scene) -> Iterator[Line]:
    yield _keys(scene)
    yield _origins(scene)
    last_at = _last_heard(scene)
    if last_at is None:
        yield Line("heard", Mark.WAITS, say("no page of the shop was heard lately"))
    else:
        yield Line("heard", Mark.FINE, say("the last event came %(ago)s", ago=scene.ago(last_at)))
    tallies = heard.tallies(scene.connection, scene.shop.id, heard.PAGES)
    good = [] if last_at is None else [Tally("accepted", "", "", 1, last_at)]
    yield from refusals([tally for tally in tallies if tally.result == REFUSED] + good, scene.now)


def _keys(scene: Scene) -> Line:
    own = [key for key in list_keys(scene.engine) if key.shop == scene.shop.id and key.revoked_at is None]
    public = [key.key for key in own if key.kind == PUBLIC]
    if not public:
        return Line("key", Mark.WRONG, say("no public key: `shopbell keys add %(shop)s` makes one", shop=scene.shop.id))
    return Line("key", Mark.FINE, joined(", ", public))


def _origins(scene: Scene) -> Line:
    origins = scene.shop.rules.shop.origins
    if origins:
        return Line("origins", Mark.FINE, joined(", ", origins))
    says = say("no page may use the key yet: name the shop's address under shop: origins: in the rule file")
    return Line("origins", Mark.WRONG if scene.settings.production else Mark.WAITS, says)


def _last_heard(scene: Scene) -> Millis | None:
    columns = EVENTS.c
    latest = select(columns.received_at, columns.trusted).where(columns.shop == scene.shop.id)
    recent = latest.order_by(columns.received_at.desc()).limit(_LOOKED_THROUGH).subquery()
    query = select(recent.c.received_at).where(~recent.c.trusted).order_by(recent.c.received_at.desc()).limit(1)
    return scene.connection.execute(query).scalar_one_or_none()
