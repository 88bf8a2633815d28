"""What a file in ``integrations/`` provides.

An integration is one module (or package) whose name is its word in ``rules.yaml`` and in webhook addresses. It defines
one subclass of :class:`Integration`, of the parts that it plays; nothing else has to be edited::

    MailSender   send      a mail, to a relay
    Receiver     receive   what a shop's platform tells, through a webhook
    Asker        poll      what it knows, through its API
    Looker       look      whether a cart was ordered, a moment before somebody is mailed about it
    OrderLooker  look      whether an order was paid or cancelled, before somebody is reminded of it
    Restorer     restore   the address at which the platform itself brings a cart back
    Presence     presence  who is there to chat, in which department
    Subscriber   connect   its webhooks with the platform, and again when they are gone
    Storefront   browser   a script for the shop's pages
    FirstParty   proxy     what the shop's pages send to an address of the shop's own
    Metered                how many calls its API takes

What a platform's JSON says is read with ``text``, ``amount``, ``group`` and the other readers of
:mod:`engine.integration.body`.

What time it is in the shop says ``wall_clock``: in a simulated one it runs faster.

What an outside service does not speak, its class leaves out. ``docs/integrations/`` is made from the classes, and one
test holds all of them and their recorded fixtures to the same promises (``tests/unit/integrations``).
"""

from engine.clock import stopwatch, wall_clock
from engine.integration.ask import Asker, Call, Page
from engine.integration.base import Fence, Integration, MailSender
from engine.integration.body import (
    Json,
    amount,
    group,
    groups,
    json_object,
    require,
    text,
    whole,
    without_nothing,
    words,
)
from engine.integration.found import create, find, known, mail_carrier, names
from engine.integration.look import BuyerLooker, CartNow, Looker, OrderLooker, OrderNow
from engine.integration.meter import LAST_LOOK, Allowed, Left, Metered
from engine.integration.pages import pages
from engine.integration.parts import parts_of
from engine.integration.presence import PRESENCE, Desk, Presence, news_of
from engine.integration.receive import (
    Delivery,
    News,
    PrivacyRequest,
    RawRequest,
    Receiver,
    ShopSaid,
    WireEvent,
    fact,
    is_signed,
)
from engine.integration.restore import Restorer
from engine.integration.settings import Settings, secret, setting
from engine.integration.storefront import FirstParty, Storefront, Vouched
from engine.integration.subscribe import WEBHOOKS, Subscriber, Subscription

__all__ = [
    "LAST_LOOK",
    "PRESENCE",
    "WEBHOOKS",
    "Allowed",
    "Asker",
    "BuyerLooker",
    "Call",
    "CartNow",
    "Delivery",
    "Desk",
    "Fence",
    "FirstParty",
    "Integration",
    "Json",
    "Left",
    "Looker",
    "MailSender",
    "Metered",
    "News",
    "OrderLooker",
    "OrderNow",
    "Page",
    "Presence",
    "PrivacyRequest",
    "RawRequest",
    "Receiver",
    "Restorer",
    "Settings",
    "ShopSaid",
    "Storefront",
    "Subscriber",
    "Subscription",
    "Vouched",
    "WireEvent",
    "amount",
    "create",
    "fact",
    "find",
    "group",
    "groups",
    "is_signed",
    "json_object",
    "known",
    "mail_carrier",
    "names",
    "news_of",
    "pages",
    "parts_of",
    "require",
    "secret",
    "setting",
    "stopwatch",
    "text",
    "wall_clock",
    "whole",
    "without_nothing",
    "words",
]
