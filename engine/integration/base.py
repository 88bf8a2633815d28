"""What an integration is, and the parts it may play: each a class with what that part must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, Protocol

from engine.integration.settings import S, Settings
from engine.messages import OutgoingMail


class Integration(Generic[S]):
    """Base of all integrations. ``settings`` holds what this shop told it, checked and with its secrets in place."""

    title: ClassVar[str]
    """What it connects, as people call it."""
    settings_type: ClassVar[type[Settings]] = Settings
    tells_free_shipping: ClassVar[bool] = False
    """Whether it tells of a cart from which value on that ships for free (``cart.free_shipping_from``)."""

    def __init__(self, settings: S) -> None:
        self.settings = settings


class Fence(Protocol):
    """Called after everything but the last byte is out.

    Commits the intent and answers whether this attempt still owns the delivery. False means: send nothing more.
    """

    def __call__(self) -> bool: ...


class MailSender(Integration[S], ABC):
    """Carries mail."""

    used_unnamed: ClassVar[bool] = False
    """Whether it carries the mail of shops that name no carrier; one integration at most."""

    @property
    @abstractmethod
    def sender(self) -> str:
        """``Name <address>`` or the address alone, from which mail is sent; "" where the file does not say."""

    @abstractmethod
    def send(self, mail: OutgoingMail, fence: Fence) -> str:
        """Hand the mail over; returns the relay's answer.

        ``fence`` is called directly before the last byte. Raises DeliveryRefused, DeliveryDelayed (nothing left) or
        DeliveryUncertain (the last byte may have been taken).
        """
