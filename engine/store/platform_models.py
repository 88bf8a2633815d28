"""The tables about shops' platforms: what they call things, what they delivered, what they are asked."""

from __future__ import annotations

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from engine.clock import Millis
from engine.store.table import CLUSTERED, Base, index_of_what_is_there


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
    __table_args__ = (index_of_what_is_there("errands", "due_at"),)
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
