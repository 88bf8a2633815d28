"""What a shop's platform asked on behalf of a person: carried out, and written down without anything about them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select, update

from engine.clock import Millis
from engine.ids import new_id
from engine.integration import PrivacyRequest
from engine.store import models, privacy
from engine.store.database import database_now, in_transaction, reading

BY_HAND = "by hand"
"""Where another request has the name of the integration through which it came."""
REQUESTS = models.Base.metadata.tables["privacy_requests"]


class Request(NamedTuple):
    """One request. ``person`` is the id that somebody had, None where nobody was known; ``done_at`` None: it waits."""

    id: str
    shop: str
    integration: str
    kind: str
    reference: str
    person: str | None
    asked_at: Millis
    done_at: Millis | None
    rows: int


def carry_out(
    engine: Engine,
    shop: str,
    integration: str,
    request: PrivacyRequest,
    identities: list[tuple[str, str]],
    person_id: str = "",
) -> Request:
    """Erase at once; an export waits for whoever gives it out, unless nobody is known. Raises StoreError."""
    person = privacy.find_person(engine, shop, identities, person_id)
    if person and request.unless_merged and request.customer_id in privacy.former_ids(engine, shop, person):
        person = None
    waits = request.kind == "export" and person is not None

    def work(connection: Connection) -> Request:
        rows = 0
        if request.kind == "erase":
            rows = privacy.erase_all_of(connection, shop, person, request.refs, [request.email, request.customer_id])
        elif request.kind == "erase_shop":
            rows = privacy.erase_shop(connection, shop)
        now = database_now(connection)
        row = Request(
            id=new_id("req"),
            shop=shop,
            integration=integration,
            kind=request.kind,
            reference=request.reference[:100],
            person=person,
            asked_at=now,
            done_at=None if waits else now,
            rows=rows,
        )
        connection.execute(REQUESTS.insert(), [row._asdict()])
        return row

    return in_transaction(engine, work)


def erase_by_hand(engine: Engine, shop: str, person: str) -> Request:
    """Erase somebody whom whoever runs this house names. Raises StoreError."""
    return carry_out(engine, shop, BY_HAND, PrivacyRequest("erase"), [], person)


def erasures(connection: Connection, shop: str) -> int:
    """How often the shop has forgotten somebody: what was asked before the latest time may speak of them still."""
    query = select(func.count()).select_from(REQUESTS).where(REQUESTS.c.shop == shop, REQUESTS.c.kind != "export")
    return int(connection.execute(query).scalar_one())


def everything(engine: Engine) -> list[Request]:
    """All requests, oldest first."""
    with reading(engine) as connection:
        return [Request(*row) for row in connection.execute(select(REQUESTS).order_by(REQUESTS.c.id))]


def find(engine: Engine, name: str) -> Request | None:
    with reading(engine) as connection:
        row = connection.execute(select(REQUESTS).where(REQUESTS.c.id == name)).one_or_none()
        return None if row is None else Request(*row)


def count_waiting(connection: Connection) -> int:
    query = select(func.count()).select_from(REQUESTS).where(REQUESTS.c.done_at.is_(None))
    return int(connection.execute(query).scalar_one())


def waiting(connection: Connection, shop: str, integration: str) -> int:
    """How many of the shop's platform wait for somebody."""
    query = select(func.count()).select_from(REQUESTS).where(REQUESTS.c.done_at.is_(None))
    own = (REQUESTS.c.shop == shop, REQUESTS.c.integration == integration)
    return int(connection.execute(query.where(*own)).scalar_one())


def mark_done(engine: Engine, name: str) -> bool:
    """True when it was waiting."""

    def work(connection: Connection) -> bool:
        waiting = (REQUESTS.c.id == name, REQUESTS.c.done_at.is_(None))
        return (
            connection.execute(update(REQUESTS).where(*waiting).values(done_at=database_now(connection))).rowcount > 0
        )

    return in_transaction(engine, work)
