"""The tables. Every row carries its shop; every hot query is by visitor or by due time.

Times are milliseconds since the epoch (BIGINT). ``state`` columns are MessagePack of the core's own structs; ``body``
and ``trace`` columns are JSON text.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Index, Integer, LargeBinary, MetaData, String, Text, TypeDecorator, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.clock import Millis
from engine.said import Said, read_again, written

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


CLUSTERED = {"sqlite_with_rowid": False}
"""In SQLite the row lives in its primary key's tree: one random page for each write instead of two."""


def _index_of_what_is_there(table: str, column: str) -> Index:
    """An index that leaves out rows without a value: most visitors have no timer and no person."""
    present = text(f"{column} IS NOT NULL")
    return Index(f"ix_{table}_{column}", column, sqlite_where=present, postgresql_where=present)


_OPEN = text("status = 'open'")
_OPEN_CARTS = Index("ix_carts_open", "shop", "visitor", sqlite_where=_OPEN, postgresql_where=_OPEN)
"""For the few moments in which everybody with an open cart is looked at; changes only when a cart opens or closes."""


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {Millis: BigInteger, str: Text, bytes: LargeBinary, bool: Boolean}  # noqa: RUF012


class Sentence(TypeDecorator[Said]):
    """A sentence for a marketer, as text that can be said in another language when it is read."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Said | None, dialect: Dialect) -> str | None:
        return None if value is None else written(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Said | None:
        return None if value is None else read_again(value)


class EventRow(Base):
    """What happened, as it came. ``fault`` says why its evaluation failed, when it did."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_shop_received_at", "shop", "received_at"), CLUSTERED)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    type: Mapped[str] = mapped_column(String(64))
    at: Mapped[Millis]
    received_at: Mapped[Millis]
    trusted: Mapped[bool]
    body: Mapped[str]
    fault: Mapped[str | None]


class VisitorRow(Base):
    """One compact row per visitor. ``version`` guards against lost updates, ``due_at`` is the next look."""

    __tablename__ = "visitors"
    # Every event rewrites its visitor's row, so no index may hold what every event changes.
    __table_args__ = (
        _index_of_what_is_there("visitors", "due_at"),
        _index_of_what_is_there("visitors", "person"),
        CLUSTERED,
    )
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[bytes]
    seen_at: Mapped[Millis]
    due_at: Mapped[Millis | None]
    lease_until: Mapped[Millis | None]
    person: Mapped[str | None] = mapped_column(String(64))
    fault: Mapped[str | None]


class RecheckRow(Base):
    """When a timer had a visitor looked at, and for when that was planned.

    With the events these are all the moments at which a visitor's state changed, so that it can be told for any other.
    """

    __tablename__ = "rechecks"
    __table_args__ = (CLUSTERED,)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[Millis] = mapped_column(primary_key=True)
    due_at: Mapped[Millis | None]


class LinkRow(Base):
    """Which person a visitor was linked to, and since when; also when it is somebody else's browser now."""

    __tablename__ = "links"
    __table_args__ = (Index("ix_links_shop_person", "shop", "person"), CLUSTERED)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[Millis]


class PersonRow(Base):
    """Somebody with an address; their visitors point here."""

    __tablename__ = "people"
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[bytes]
    updated_at: Mapped[Millis]


class IdentityRow(Base):
    """By what a person is known: ``kind`` is ``email`` or ``customer``; ``value`` is a keyed hash."""

    __tablename__ = "identities"
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[str] = mapped_column(String(64), index=True)


class CartRow(Base):
    """A cart with its full lines. ``status`` is open, emptied or ordered; amounts in minor units."""

    __tablename__ = "carts"
    __table_args__ = (_OPEN_CARTS,)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[Millis]
    updated_at: Mapped[Millis]
    shipping_shown: Mapped[Millis | None]
    body: Mapped[str]


class OrderRow(Base):
    """An order. ``body`` is what is in it and by what names its platform knows it; None where nobody told, or a release
    before this wrote it. ``told_at`` is when what the shop's server or platform says of it happened."""

    __tablename__ = "orders"
    __table_args__ = (Index("ix_orders_shop_person", "shop", "person"),)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64))
    person: Mapped[str | None] = mapped_column(String(64))
    cart: Mapped[str | None] = mapped_column(String(200))
    at: Mapped[Millis]
    total: Mapped[Millis]
    currency: Mapped[str] = mapped_column(String(3))
    body: Mapped[str | None]
    told_at: Mapped[Millis | None]


class DecisionRow(Base):
    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_shop_visitor", "shop", "visitor", "at"),
        Index("ix_decisions_shop_at", "shop", "at"),
    )
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64))
    person: Mapped[str | None] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(100))
    rule_hash: Mapped[str] = mapped_column(String(64))
    rule_set: Mapped[str] = mapped_column(String(64))
    occasion: Mapped[str] = mapped_column(String(400))
    at: Mapped[Millis]
    outcome: Mapped[str] = mapped_column(String(16))
    guard: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[Said] = mapped_column(Sentence)
    cart: Mapped[str | None] = mapped_column(String(200))
    variant: Mapped[str] = mapped_column(String(40))
    trace: Mapped[str]


class DeliveryRow(Base):
    """One message on its way. ``attempt`` and ``lease_until`` fence the workers; ``once`` is unique per person."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_owed", "state", "due_at"),
        Index("ix_deliveries_shop_visitor", "shop", "visitor"),
        Index("ix_deliveries_shop_person", "shop", "person"),
        Index("ix_deliveries_once", "once", unique=True),
    )
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    shop: Mapped[str] = mapped_column(String(64))
    decision: Mapped[str] = mapped_column(String(64))
    visitor: Mapped[str] = mapped_column(String(64))
    person: Mapped[str | None] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(100))
    step: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[Millis]
    expires_at: Mapped[Millis]
    attempt: Mapped[int] = mapped_column(Integer)
    lease_until: Mapped[Millis | None]
    once: Mapped[str] = mapped_column(String(64))
    body: Mapped[str]
    result: Mapped[str]
    created_at: Mapped[Millis]
    updated_at: Mapped[Millis]


class OutcomeRow(Base):
    """What became of a message: shown, accepted, dismissed, opened, clicked, restored, answered or unsubscribed."""

    __tablename__ = "outcomes"
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    delivery: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[Millis]


class AudienceRow(Base):
    """Who is on which list for advertising."""

    __tablename__ = "audiences"
    __table_args__ = (Index("ix_audiences_shop_visitor", "shop", "visitor"),)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[str | None] = mapped_column(String(64))
    added_at: Mapped[Millis]


class WaitingRow(Base):
    """Who saw a product sold out: news about its stock is theirs too. ``product`` is ``sku:…`` or ``id:…``.

    ``in_stock`` is what they were told last; ``body`` is the product as their page showed it, for the mail.
    """

    __tablename__ = "waiting"
    __table_args__ = (Index("ix_waiting_shop_visitor", "shop", "visitor"),)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    product: Mapped[str] = mapped_column(String(64), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[Millis]
    in_stock: Mapped[bool]
    body: Mapped[str]


class ConsentRow(Base):
    """Proof of what was allowed or withdrawn, by whom, in which words; only ever appended to."""

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_shop_person", "shop", "person"),)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    event: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    person: Mapped[str | None] = mapped_column(String(64))
    visitor: Mapped[str] = mapped_column(String(64))
    granted: Mapped[bool]
    text: Mapped[str]
    source: Mapped[str]
    trusted: Mapped[bool]
    at: Mapped[Millis]


class SuppressionRow(Base):
    """Addresses that must never be mailed, as keyed hashes, so that they outlive an erasure."""

    __tablename__ = "suppressions"
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    address: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32))
    at: Mapped[Millis]


class AliasRow(Base):
    """By what name a shop's platform knows a cart, a checkout or an order: whose it is, and which cart of ours."""

    __tablename__ = "aliases"
    __table_args__ = (Index("ix_aliases_shop_visitor", "shop", "visitor"), CLUSTERED)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(64))
    cart: Mapped[str | None] = mapped_column(String(200))
    at: Mapped[Millis]


class ReceiptRow(Base):
    """A delivery of a shop's platform that was taken in: one row for its id, one for its content."""

    __tablename__ = "receipts"
    __table_args__ = (Index("ix_receipts_received_at", "received_at"), CLUSTERED)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    integration: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    topic: Mapped[str] = mapped_column(String(100))
    received_at: Mapped[Millis]


class QuarantineRow(Base):
    """A delivery that was rightly signed and could not be read: its bytes, for a while."""

    __tablename__ = "quarantine"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    shop: Mapped[str] = mapped_column(String(64), index=True)
    integration: Mapped[str] = mapped_column(String(64))
    topic: Mapped[str] = mapped_column(String(100))
    delivery: Mapped[bytes]
    reason: Mapped[str]
    received_at: Mapped[Millis]
    tries: Mapped[int] = mapped_column(Integer)


class ErrandRow(Base):
    """What a shop's platform has to be asked, how far that has come, and until when who (``holder``) asks."""

    __tablename__ = "errands"
    __table_args__ = (_index_of_what_is_there("errands", "due_at"),)
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    integration: Mapped[str] = mapped_column(String(64), primary_key=True)
    what: Mapped[str] = mapped_column(String(200), primary_key=True)
    cursor: Mapped[str]
    due_at: Mapped[Millis | None]
    lease_until: Mapped[Millis | None]
    attempt: Mapped[int] = mapped_column(Integer)
    problem: Mapped[str]
    answered_at: Mapped[Millis | None]
    holder: Mapped[str] = mapped_column(String(64))


class HeardRow(Base):
    """How often a kind of thing came to a shop's doors: ``result`` is what became of it, ``reason`` why it was refused.

    ``integration`` is "" for the shop's pages, ``shop`` is "" for what came to no shop here. ``detail`` is of the last.
    """

    __tablename__ = "heard"
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    integration: Mapped[str] = mapped_column(String(64), primary_key=True)
    result: Mapped[str] = mapped_column(String(16), primary_key=True)
    reason: Mapped[str] = mapped_column(String(100), primary_key=True)
    detail: Mapped[str] = mapped_column(String(100))
    times: Mapped[Millis]
    last_at: Mapped[Millis]


class CallBudgetRow(Base):
    """How many calls were made to a platform in the window that ``ends_at``; none are before ``rest_until``."""

    __tablename__ = "call_budgets"
    account: Mapped[str] = mapped_column(String(160), primary_key=True)
    lasts_ms: Mapped[Millis] = mapped_column(primary_key=True)
    ends_at: Mapped[Millis]
    used: Mapped[int] = mapped_column(Integer)
    most: Mapped[int] = mapped_column(Integer)
    rest_until: Mapped[Millis]


class PrivacyRequestRow(Base):
    """What a shop's platform asked on behalf of a person: ``kind`` is export, erase or erase_shop.

    ``done_at`` is when it was carried out; an export waits until somebody has given it out.
    """

    __tablename__ = "privacy_requests"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    shop: Mapped[str] = mapped_column(String(64), index=True)
    integration: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str] = mapped_column(String(100))
    person: Mapped[str | None] = mapped_column(String(64))
    asked_at: Mapped[Millis]
    done_at: Mapped[Millis | None]
    rows: Mapped[int] = mapped_column(Integer)


class HouseRow(Base):
    """What is true for a whole shop now: its agents."""

    __tablename__ = "houses"
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[bytes]


class KeyRow(Base):
    """Who may speak. Public keys stand as they are, secret ones as SHA-256."""

    __tablename__ = "keys"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    shop: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(8))
    label: Mapped[str]
    created_at: Mapped[Millis]
    revoked_at: Mapped[Millis | None]


class RuleChangeRow(Base):
    """From when on which rule file was live; ``hash`` is ``gone`` where the shop had none any more."""

    __tablename__ = "rule_changes"
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[Millis] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64))


class RuleSetRow(Base):
    """Every rule file that was live, by content, so that a past decision can be explained with its own rules."""

    __tablename__ = "rule_sets"
    shop: Mapped[str] = mapped_column(String(64), primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    source: Mapped[str]
    live_at: Mapped[Millis]
