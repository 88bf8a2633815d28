"""What a shop's platform asked on behalf of a person: carried out, and written down without anything about them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Engine, and_, func, select, update

from engine.clock import Millis
from engine.ids import new_id
from engine.integration import PrivacyRequest
from engine.store import erasing, models, privacy
from engine.store.database import between_commits, database_now, in_transaction, reading
from engine.store.wording import stands_in

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

    def work(connection: Connection) -> Request:
        if request.kind != "export":
            between_commits(connection)  # whoever is written down in this moment is found, too
        people: list[str | None] = [*_people(connection, shop, request, identities, person_id)]
        rows = _erase(connection, shop, request, [name for name in people if name])
        # What one request asks about two who may be one is given out for each.
        wanted = people if request.kind == "export" else people[:1]
        now = database_now(connection)
        told = [_row(shop, integration, request, person, now, rows) for person in wanted or [None]]
        connection.execute(REQUESTS.insert(), [row._asdict() for row in told])
        return told[0]

    return in_transaction(engine, work)


def _people(
    connection: Connection, shop: str, request: PrivacyRequest, identities: list[tuple[str, str]], person_id: str
) -> list[str]:
    people = privacy.people_of(connection, shop, identities, person_id)
    if not request.unless_merged:
        return people
    return [name for name in people if request.customer_id not in privacy.former_ids(connection, shop, name)]


def _erase(connection: Connection, shop: str, request: PrivacyRequest, people: list[str]) -> int:
    if request.kind == "export":
        return 0
    everybody = request.kind == "erase_shop"
    theirs = REQUESTS.c.shop == shop if everybody else and_(REQUESTS.c.shop == shop, REQUESTS.c.person.in_(people))
    # There is nothing left that could be given out.
    over = update(REQUESTS).where(theirs, REQUESTS.c.done_at.is_(None)).values(done_at=database_now(connection))
    connection.execute(over)
    if everybody:
        return erasing.erase_shop(connection, shop)
    return erasing.erase_all_of(connection, shop, people, request.refs, (request.email, request.customer_id))


def _row(shop: str, integration: str, request: PrivacyRequest, person: str | None, now: Millis, rows: int) -> Request:
    waits = request.kind == "export" and person is not None
    return Request(
        id=new_id("req"),
        shop=shop,
        integration=integration,
        kind=request.kind,
        reference=_reference(request),
        person=person,
        asked_at=now,
        done_at=None if waits else now,
        rows=rows,
    )


def _reference(request: PrivacyRequest) -> str:
    """By what the platform knows its request; whom it is about is not written down here once more."""
    named = [request.email, request.customer_id, *(ref.rpartition(":")[2] for ref in request.refs)]
    return "" if stands_in(request.reference, named) else request.reference[:100]


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
