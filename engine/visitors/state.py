"""What is known about one visitor: one compact row, so it holds what rules ask about and nothing else.

Every list is bounded, and every new field has a default, so that a row of an older release still reads.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from engine.clock import MINUTE, Millis
from engine.events import Loyalty, Trait
from engine.visitors.tellings import Telling

SESSION_GAP: Millis = 30 * MINUTE
MAX_TABS = 8
MAX_TIMES = 20
MAX_TALLIES = 60
MAX_CONTACTS = 40
MAX_OCCASIONS = 8
MAX_ORDERS = 8
MAX_ITEMS = 100
MAX_TRAIL = 20
MAX_VISITS = 12
MAX_GOODS = 10
MAX_REPLIES = 16
MAX_WATCHED = 24
MAX_SEGMENTS = MAX_TRAITS = 20
MAX_STORY = 32
MAX_SHELVES = 2
MAX_LORE = 20


class Stage(IntEnum):
    """How far a cart has come; a cart never goes back."""

    BROWSE = 0
    CART = 1
    CHECKOUT = 2
    SHIPPING = 3
    PAYMENT = 4


class Compact(msgspec.Struct, omit_defaults=True):
    """State that is stored: default values take no room."""


class View(Compact):
    """What one tab shows. ``engaged_ms`` grows only on evidence from the page."""

    url: str = ""
    type: str = "other"
    opened_at: Millis = 0
    seen_at: Millis = 0
    engaged_ms: Millis = 0
    stretch_ms: Millis = 0
    """Engaged time on the pages of the same type directly before this one."""
    hidden: bool = False
    active_at: Millis = 0
    """The latest evidence that somebody did something here; 0 when there was none since the page was opened."""
    depth: int = 0
    """How far it was scrolled, in percent."""
    exit_at: Millis | None = None
    exit_by: str = ""
    """``mouse`` (also when nothing was told) or ``touch``."""


class Landing(msgspec.Struct, array_like=True):
    """Where a visit came from and on which page it began, as its first page view told it."""

    url: str = ""
    """Without its query."""
    type: str = "other"
    referrer: str = ""
    """The other site's host and path; empty when the shopper came by themselves."""
    utm: dict[str, str] = {}
    """``source``, ``medium``, ``campaign``, ``content``, ``term``."""
    ad: str = ""
    """The advertising network whose click brought them."""


class Session(Compact):
    number: int = 0
    started_at: Millis = 0
    pages: int = 0
    landing: Landing | None = None
    before_at: Millis | None = None
    """The last sign of life of the visit before this one."""
    engaged_ms: dict[str, Millis] = {}
    """Engaged time by page type."""


class Glimpse(msgspec.Struct, array_like=True):
    """A page that was opened; ``page`` tells two addresses apart without keeping them."""

    at: Millis
    type: str
    page: int


class Good(msgspec.Struct, array_like=True):
    """A product the shopper looked at or has in the cart, and what became of its price and stock since."""

    sku: str
    product_id: str
    seen_at: Millis = 0
    price: int | None = None
    currency: str = "EUR"
    stock: int | None = None
    was: int | None = None
    """The price from which it dropped."""
    dropped_at: Millis | None = None
    back_at: Millis | None = None
    """When it was in stock again after it had been sold out."""
    told_at: Millis = 0
    """When what the shop's server or platform told last of price and stock happened."""


class Priced(IntEnum):
    """Who said what an order comes to; of two the greater is believed."""

    NOT = 0
    LATER = 1
    BY_PAGE = 2
    BY_SHOP = 3


class Bought(Compact):
    """One order. ``total`` in minor units of ``currency``."""

    id: str
    at: Millis
    total: int = 0
    currency: str = "EUR"
    unpaid: bool = False
    cancelled: bool = False
    delivered_at: Millis | None = None
    returned_at: Millis | None = None
    paid_told_at: Millis = 0
    """When what is known of its payment happened."""
    priced: Priced = Priced.BY_SHOP
    priced_at: Millis = 0


class Reply(msgspec.Struct, array_like=True):
    """What became of a message: ``shown``, ``accepted``, ``dismissed``, ``opened`` or ``clicked``."""

    message: str
    what: str
    at: Millis


class Series(Compact):
    """What a watch saw: how often, what it adds up to (in thousandths), and the latest moments with their values."""

    count: int = 0
    total: int = 0
    times: list[Millis] = []
    values: list[int | str] = []


class Item(Compact):
    """A cart line as rules see it; the full line with its picture is in the carts table."""

    key: str = ""
    sku: str = ""
    product_id: str = ""
    category: str = ""
    brand: str = ""
    quantity: int = 1
    value: int = 0
    """The whole line's price in minor units."""


Traits = tuple[str, str, str]
"""Product id, category and brand of a cart line."""


class Basket(Compact):
    """The visitor's open cart. Amounts in minor units of ``currency``."""

    id: str
    opened_at: Millis
    progressed_at: Millis
    currency: str = "EUR"
    total: int = 0
    items: list[Item] = []
    stage: Stage = Stage.CART
    coupon: str = ""
    shipping_expected: int | None = None
    """The highest shipping cost told before the checkout's shipping step; None when nothing was said."""
    shipping_first: int | None = None
    shipping_now: int | None = None
    shipping_at: Millis | None = None
    """When a shipping cost was first shown at the checkout."""
    visit: int = 0
    """The number of the visit in which it was filled; 0 where no visit is known."""
    total_before: int | None = None
    """What the same contents came to before the checkout began."""
    step: str = ""
    """The step of the checkout that was opened last and not completed."""
    delivery_days: int | None = None
    free_shipping_from: int | None = None
    """From which value on this very cart ships for free, as the shop's platform told it."""
    shipping_told_at: Millis = 0
    """When what is known of the shipping cost happened: an older story that comes later changes nothing."""
    told_at: Millis = 0
    """When what is known of its contents and prices happened."""
    goods: int = 0
    """What the telling that is known last calls its items."""
    stage_at: Millis = 0
    """When it first came as far as it has come."""
    moved_at: Millis = 0
    """When a step of the checkout was last completed."""


class Closed(Compact):
    """The cart that was last ordered, to recognise late echoes of it. ``order`` is the order's own id.

    ``contents`` are the numbers of what was in it. ``also`` are other names of that cart: ours from before the shop
    told its own, and those of other sources.
    """

    id: str = ""
    ordered_at: Millis = 0
    contents: str = ""
    also: list[str] = []
    order: str = ""

    @property
    def names(self) -> list[str]:
        """Whatever the cart is called."""
        return [name for name in (self.id, *self.also) if name]


class Tally(Compact):
    """How often something happened: the count over all time and the latest moments."""

    count: int = 0
    times: list[Millis] = []


class Contact(Compact):
    """A message that was decided for this visitor or person; limits count these."""

    at: Millis
    kind: str
    rule: str
    session: int = 0
    id: str = ""
    """The delivery's id, by which replies name it."""


class Run(Compact):
    """A rule that fired and is on its way through its steps."""

    decision: str
    occasion: str
    hash: str
    started_at: Millis
    step: int
    wake_at: Millis
    cart: str | None = None
    variant: str = ""
    waits_since: Millis = 0
    """When the wait it is in began; 0 where it waits for something else, such as the end of quiet hours."""


class Offer(Compact):
    """An on-page message that was decided and not yet reported as shown; ``body`` is the JSON for the page."""

    id: str
    rule: str
    expires_at: Millis
    body: bytes = b"null"


class Visitor(Compact):
    first_seen_at: Millis = 0
    seen_at: Millis = 0
    """The last sign of life from the shopper's own browser."""
    session: Session = msgspec.field(default_factory=Session)
    tabs: dict[str, View] = {}
    language: str = ""
    country: str = ""
    vouched: bool = False
    """Whether the shop's server said whose browser this is; an address typed here proves nothing."""
    analytics: bool | None = None
    marketing: bool | None = None
    story: list[Telling] = []
    """What was told of their carts, in the order in which it happened: ``basket``, ``closed``, ``emptied_at`` and
    ``ordered_at`` follow from it."""
    shelves: dict[int, list[Item]] = {}
    """The items of the latest other contents in the story."""
    lore: dict[str, Traits] = {}
    """What was told of goods that are in no cart of the story now, by their key."""
    basket: Basket | None = None
    closed: Closed | None = None
    ordered_at: Millis | None = None
    orders: int = 0
    order_ids: list[str] = []
    """The latest orders: the shop's page and the shop's server both report the same one."""
    emptied_at: Millis | None = None
    over: dict[str, str] = {}
    """Carts that are open no more, and what became of them until that is written down beside them: ``ordered``,
    ``emptied``, ``replaced`` by another, ``merged`` into the same one by another name."""
    reminded: list[str] = []
    """The latest carts about which somebody else, such as the shop's platform, has mailed."""
    tallies: dict[str, Tally] = {}
    chatting_since: Millis | None = None
    accepted_at: Millis | None = None
    dismissed_at: Millis | None = None
    runs: dict[str, Run] = {}
    done: dict[str, list[str]] = {}
    """Per rule the occasions that are settled (fired, or silent for good)."""
    held: dict[str, str] = {}
    """Per rule the hold that was recorded last, so that the same silence is written down once."""
    contacts: list[Contact] = []
    offers: list[Offer] = []
    shown: list[str] = []
    """Ids of the messages last reported as shown, so that a second report counts nothing."""
    replies: list[Reply] = []
    trail: list[Glimpse] = []
    """The latest pages, over visits."""
    visits: list[Millis] = []
    """When the visits before this one began, the latest of them."""
    goods: list[Good] = []
    bought: list[Bought] = []
    watched: dict[str, Series] = {}
    """By the key of the watch, see :class:`Watch`."""
    typed_at: Millis | None = None
    typed_length: int = 0
    """Letters that were typed and not sent."""
    search: str = ""
    """What was searched for last, where it was told."""
    device: str = ""
    time_zone: str = ""
    logged_in: bool | None = None
    loyalty: Loyalty | None = None
    attributes: dict[str, Trait] = {}
    tags: list[str] = []
    segments: list[str] | None = None

    @property
    def view(self) -> View | None:
        """The tab that gave a sign of life last."""
        if len(self.tabs) == 1:
            return next(iter(self.tabs.values()))
        return max(self.tabs.values(), key=lambda view: view.seen_at, default=None)
