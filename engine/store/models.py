"""The tables. Every row carries its shop; every hot query is by visitor or by due time.

Times are milliseconds since the epoch (BIGINT). ``state`` columns are MessagePack of the core's own structs; ``body``
and ``trace`` columns are JSON text.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.clock import Millis
from engine.said import Said
from engine.store import platform_models as platform_models
from engine.store.table import CLUSTERED, Sentence, index_of_what_is_there
from engine.store.table import Base as Base

_OPEN = text("status = 'open'")
_OPEN_CARTS = Index("ix_carts_open", "shop", "visitor", sqlite_where=_OPEN, postgresql_where=_OPEN)
"""For the few moments in which everybody with an open cart is looked at; changes only when a cart opens or closes."""


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
        index_of_what_is_there("visitors", "due_at"),
        index_of_what_is_there("visitors", "person"),
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
