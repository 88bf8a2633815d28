"""What shops' platforms have to be asked: claimed with a lease, so that any number of clocks may run.

Whoever claims leaves a name of their own (``holder``), and only they can say what became of it. Being asked for anew
takes the name away and leaves the lease: what was being asked then may have been answered a moment too early, so it is
asked once more, after that and not beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, delete, func, or_, select, tuple_, update

from engine.clock import Millis, machine_time
from engine.ids import new_id
from engine.recovery import ERRAND_LEASE
from engine.store import models
from engine.store.database import database_now, in_transaction
from engine.store.statements import Values, insert_ignoring, upsert

ERRANDS = models.Base.metadata.tables["errands"]
LEASE: Millis = machine_time(ERRAND_LEASE)
Lane = tuple[str, str]
"""A shop, and one of its integrations: who is asked."""
_CHUNK = 500
_ANEW = ("cursor", "due_at", "attempt", "problem", "holder")


class Errand(NamedTuple):
    """One question; ``attempt`` counts how often it has failed in a row."""

    shop: str
    integration: str
    what: str
    cursor: str
    attempt: int
    holder: str = ""

    @property
    def lane(self) -> Lane:
        return self.shop, self.integration

    @property
    def kind(self) -> str:
        """What it asks about, without the names of an integration's own choosing that may follow a colon."""
        return self.what.partition(":")[0]


class Apart(NamedTuple):
    """Who is not to be asked now: these lanes, and these integrations in any shop."""

    lanes: Collection[Lane] = ()
    integrations: Collection[str] = ()


NOBODY = Apart()


class Answer(NamedTuple):
    """One that was answered: go on from ``cursor`` after so long; None: it is over and forgotten."""

    errand: Errand
    cursor: str
    again_in_ms: Millis | None


def plan(engine: Engine, shop: str, integration: str, whats: Iterable[str], *, again: bool) -> None:
    """Have these asked now; what is there already only when ``again``. Raises StoreError."""

    def work(connection: Connection) -> None:
        own = {"shop": shop, "integration": integration, "due_at": database_now(connection)}
        fresh = {"cursor": "", "lease_until": None, "attempt": 0, "problem": "", "holder": "", "answered_at": None}
        rows = [own | fresh | {"what": what} for what in dict.fromkeys(whats)]
        dialect = connection.dialect.name
        statement = upsert(ERRANDS, dialect, False, _ANEW) if again else insert_ignoring(ERRANDS, dialect)
        if rows:
            connection.execute(statement, rows)

    in_transaction(engine, work)


def claim(engine: Engine, apart: Apart = NOBODY, last: Mapping[Lane, str] | None = None) -> Errand | None:
    """The errand that has been due for longest, held for a while; None when nothing is due. Raises StoreError.

    ``last`` tells of which kind each lane was asked last: where something of another kind is due there, that comes
    first, so that a few questions need not wait for thousands.
    """

    def work(connection: Connection) -> Errand | None:
        now = database_now(connection)
        found = connection.execute(_due(now).where(*_not_among(apart)).limit(1)).one_or_none()
        if found is None:
            return None
        errand = Errand(*found)
        asked = (last or {}).get(errand.lane)
        if asked == errand.kind:
            other = _due(now).where(_in_lane(errand.lane), ~_of_kind(asked)).limit(1)
            errand = Errand(*(connection.execute(other).one_or_none() or found))
        return _hold(connection, now, [errand], new_id("hol"))[0]

    return in_transaction(engine, work)


def claim_more(engine: Engine, errand: Errand, most: int) -> list[Errand]:
    """Others like one that is held, to be asked together with it: of its kind, never failed, and not begun."""

    def work(connection: Connection) -> list[Errand]:
        now, columns = database_now(connection), ERRANDS.c
        like_it = (_in_lane(errand.lane), _of_kind(errand.kind), columns.cursor == "", columns.attempt == 0)
        found = connection.execute(_due(now).where(*like_it).limit(most))
        return _hold(connection, now, [Errand(*row) for row in found], errand.holder)

    return in_transaction(engine, work)


def _due(now: Millis) -> Select[str, str, str, str, int]:
    columns = ERRANDS.c
    wanted = select(columns.shop, columns.integration, columns.what, columns.cursor, columns.attempt)
    due = wanted.where(columns.due_at <= now, _is_free(now)).order_by(columns.due_at)
    return due.with_for_update(skip_locked=True)


def _hold(connection: Connection, now: Millis, found: list[Errand], holder: str) -> list[Errand]:
    if found:
        these = (_in_lane(found[0].lane), ERRANDS.c.what.in_([errand.what for errand in found]))
        connection.execute(update(ERRANDS).where(*these).values(lease_until=now + LEASE, holder=holder))
    return [errand._replace(holder=holder) for errand in found]


def renew(engine: Engine, errand: Errand) -> bool:
    """Keep it, and all that is held with it, while the platform takes its time; False when none of it is ours."""

    def work(connection: Connection) -> bool:
        ours = (_in_lane(errand.lane), ERRANDS.c.holder == errand.holder)
        until = database_now(connection) + LEASE
        return connection.execute(update(ERRANDS).where(*ours).values(lease_until=until)).rowcount > 0

    return in_transaction(engine, work)


def settle(engine: Engine, errand: Errand, cursor: str, again_in_ms: Millis | None) -> None:
    """It was answered: go on from ``cursor`` after so long; None: it is over and forgotten."""
    settle_all(engine, [Answer(errand, cursor, again_in_ms)])


def settle_all(engine: Engine, answers: Sequence[Answer]) -> None:
    """The same for several of one lane that were asked together."""

    def work(connection: Connection) -> None:
        now = database_now(connection)
        for errand, cursor, again_in_ms in answers:
            if again_in_ms is None:
                connection.execute(delete(ERRANDS).where(_is_held(errand)))
                continue
            values = {"cursor": cursor, "due_at": now + again_in_ms, "attempt": 0, "problem": "", "answered_at": now}
            _let_go(connection, errand, values)
        _give_back(connection, [answer.errand for answer in answers])

    in_transaction(engine, work)


def put_off(engine: Engine, errand: Errand, problem: str, again_in_ms: Millis) -> None:
    """It was not answered: ask the same again after so long."""

    def work(connection: Connection) -> None:
        due_at = database_now(connection) + again_in_ms
        _let_go(connection, errand, {"due_at": due_at, "attempt": errand.attempt + 1, "problem": problem[:500]})
        _give_back(connection, [errand])

    in_transaction(engine, work)


def take_apart(engine: Engine, held: Sequence[Errand], problem: str) -> None:
    """They were asked together in vain: ask each by itself. What has failed once is not asked together again."""

    def work(connection: Connection) -> None:
        for errand in held:
            _let_go(connection, errand, {"attempt": errand.attempt + 1, "problem": problem[:500]})
        _give_back(connection, held)

    in_transaction(engine, work)


def rest(engine: Engine, held: Sequence[Errand], for_ms: Millis, alike: Callable[[str], bool]) -> None:
    """The platform takes no such question for so long: neither these, nor what else is due of which ``alike`` says so.

    Each would else be claimed only to be told the same.
    """

    def work(connection: Connection) -> None:
        now = database_now(connection)
        values = {"due_at": now + for_ms}
        for errand in held:
            _let_go(connection, errand, values)
        _give_back(connection, held)
        waiting = (_in_lane(held[0].lane), ERRANDS.c.due_at <= now, _is_free(now))
        whats = [what for what in connection.execute(select(ERRANDS.c.what).where(*waiting)).scalars() if alike(what)]
        for start in range(0, len(whats), _CHUNK):
            these = ERRANDS.c.what.in_(whats[start : start + _CHUNK])
            connection.execute(update(ERRANDS).where(*waiting, these).values(values))

    in_transaction(engine, work)


def _let_go(connection: Connection, errand: Errand, values: Values) -> None:
    connection.execute(update(ERRANDS).where(_is_held(errand)).values(values | {"lease_until": None, "holder": ""}))


def _give_back(connection: Connection, held: Sequence[Errand]) -> None:
    """What was asked for anew while it was held is nobody's, and free from now on."""
    whats = [errand.what for errand in held]
    nobodys = (_in_lane(held[0].lane), ERRANDS.c.what.in_(whats), ERRANDS.c.holder == "")
    connection.execute(update(ERRANDS).where(*nobodys).values(lease_until=None))


def drop(engine: Engine, errand: Errand) -> None:
    """Nobody can ask that any more."""
    this = (_in_lane(errand.lane), ERRANDS.c.what == errand.what)
    in_transaction(engine, lambda connection: connection.execute(delete(ERRANDS).where(*this)))


def drop_about(connection: Connection, shop: str, words: list[str]) -> int:
    """Delete the shop's questions that name one of these (a customer number, an order)."""
    columns, wanted = ERRANDS.c, {word for word in words if word}
    whats = connection.execute(select(columns.what).where(columns.shop == shop)).scalars()
    named = [what for what in whats if wanted.intersection(what.split(":"))]
    return connection.execute(delete(ERRANDS).where(columns.shop == shop, columns.what.in_(named))).rowcount


class Asked(NamedTuple):
    """How a question stands: when it is asked next, when it was answered last, how often it failed since, and why."""

    what: str
    due_at: Millis | None
    lease_until: Millis | None
    attempt: int
    problem: str
    answered_at: Millis | None


def standing(connection: Connection, shop: str, integration: str) -> list[Asked]:
    """Every question to the shop's platform, by name."""
    columns = ERRANDS.c
    query = select(*(columns[name] for name in Asked._fields)).order_by(columns.what)
    return [Asked(*row) for row in connection.execute(query.where(*_of(shop, integration)))]


def _of(shop: str, integration: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ERRANDS.c.shop == shop, ERRANDS.c.integration == integration


def count_failing(connection: Connection) -> dict[tuple[str, str], int]:
    """How many errands fail, by shop and integration."""
    columns = ERRANDS.c
    query = select(columns.shop, columns.integration, func.count()).where(columns.attempt > 0)
    return {(row[0], row[1]): row[2] for row in connection.execute(query.group_by(columns.shop, columns.integration))}


def _is_free(now: Millis) -> ColumnElement[bool]:
    return or_(ERRANDS.c.lease_until.is_(None), ERRANDS.c.lease_until < now)


def _is_held(errand: Errand) -> ColumnElement[bool]:
    """By whoever claimed it, and not asked for anew since."""
    return and_(_in_lane(errand.lane), ERRANDS.c.what == errand.what, ERRANDS.c.holder == errand.holder)


def _in_lane(lane: Lane) -> ColumnElement[bool]:
    shop, integration = lane
    return and_(ERRANDS.c.shop == shop, ERRANDS.c.integration == integration)


def _of_kind(kind: str) -> ColumnElement[bool]:
    return or_(ERRANDS.c.what == kind, ERRANDS.c.what.startswith(f"{kind}:", autoescape=True))


def _not_among(apart: Apart) -> list[ColumnElement[bool]]:
    columns = ERRANDS.c
    excluded: list[ColumnElement[bool]] = []
    if apart.lanes:
        excluded.append(tuple_(columns.shop, columns.integration).not_in(list(apart.lanes)))
    if apart.integrations:
        excluded.append(columns.integration.not_in(list(apart.integrations)))
    return excluded
