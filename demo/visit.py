"""What the shop remembers about one browser between two pages: a signed cookie, read by the server only.

The cookie says *which* things and *how many*; what they cost is looked up in the catalogue each time. The signature
keeps a shopper from inventing an order, and a cookie that does not read well (old, torn, forged) is an empty visit.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import msgspec
from flask import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from demo.catalogue import PRODUCTS, SHIPPING, Product

COOKIE = "vloei_visit"
LIFE_S = 30 * 24 * 3600
MOST_OF_ONE = 20


class Contact(msgspec.Struct, frozen=True):
    """Who orders. `may_mail` is true only when the shopper ticked the box under `consent_text` themselves."""

    name: str
    email: str
    may_mail: bool
    consent_text: str


class Address(msgspec.Struct, frozen=True):
    street: str
    postcode: str
    city: str
    country: str


class Order(msgspec.Struct, frozen=True):
    """A placed order; amounts in euro cents, `lines` as product slug → (quantity, price of one)."""

    id: str
    cart_id: str
    lines: dict[str, tuple[int, int]]
    shipping: int
    method: str
    email: str
    visitor: str = ""

    @property
    def subtotal(self) -> int:
        return sum(quantity * price for quantity, price in self.lines.values())

    @property
    def total(self) -> int:
        return self.subtotal + self.shipping


class Visit(msgspec.Struct):
    cart_id: str
    cart: dict[str, int] = {}
    contact: Contact | None = None
    address: Address | None = None
    method: str = ""
    order: Order | None = None
    notes: list[str] = []


@dataclass(frozen=True, slots=True)
class Line:
    """One product in the cart; amounts in euro cents."""

    product: Product
    quantity: int

    @property
    def total(self) -> int:
        return self.product.price * self.quantity


def fresh() -> Visit:
    return Visit(cart_id=uuid.uuid4().hex)


def most(product: Product) -> int:
    """How many of this product one cart may hold."""
    return min(product.stock, MOST_OF_ONE)


def lines(visit: Visit) -> list[Line]:
    """The cart as the catalogue sees it now: unknown products are gone, quantities are what we can send."""
    found = ((PRODUCTS.get(slug), quantity) for slug, quantity in visit.cart.items())
    kept = (Line(product, min(quantity, most(product))) for product, quantity in found if product is not None)
    return [line for line in kept if line.quantity > 0]


def count(visit: Visit) -> int:
    return sum(line.quantity for line in lines(visit))


def subtotal(visit: Visit) -> int:
    return sum(line.total for line in lines(visit))


def shipping_price(visit: Visit) -> int | None:
    """What bringing it costs in cents; None until the shopper has reached the shipping step."""
    way = SHIPPING.get(visit.method)
    return way.price if way else None


def put(visit: Visit, slug: str, quantity: int) -> None:
    """Have this many of a product in the cart; nothing or less takes it out.

    Errors: KeyError for a product that is not in the catalogue."""
    allowed = min(quantity, most(PRODUCTS[slug]))
    if allowed > 0:
        visit.cart[slug] = allowed
    else:
        visit.cart.pop(slug, None)


def merge(visit: Visit, saved: dict[str, int]) -> list[str]:
    """Bring a saved cart back into this one: the higher quantity of each product wins, nothing is taken out.

    Returns the names (slugs, or the unknown name as it came) of what could not come back."""
    lost = []
    for slug, quantity in saved.items():
        product = PRODUCTS.get(slug)
        if product is None or not product.stock:
            lost.append(slug)
        else:
            put(visit, slug, max(quantity, visit.cart.get(slug, 0)))
    return lost


def place_order(visit: Visit, visitor: str) -> Order:
    """Turn the cart into an order and leave an empty cart with a new id behind.

    Errors: ValueError when there is nothing to order or a step of the checkout is missing."""
    price = shipping_price(visit)
    if not lines(visit) or visit.contact is None or visit.address is None or price is None:
        raise ValueError("this checkout is not finished")
    order = Order(
        id=f"VL-{uuid.uuid4().hex[:8].upper()}",
        cart_id=visit.cart_id,
        lines={line.product.slug: (line.quantity, line.product.price) for line in lines(visit)},
        shipping=price,
        method=visit.method,
        email=visit.contact.email,
        visitor=visitor,
    )
    visit.order, visit.cart, visit.cart_id, visit.method = order, {}, uuid.uuid4().hex, ""
    return order


class VisitCookie:
    """Reads and writes the visit; `secret` signs it and must not be empty."""

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="demo-visit")

    def read(self, request: Request) -> Visit:
        try:
            text = self._signer.loads(request.cookies.get(COOKIE, ""), max_age=LIFE_S)
            return msgspec.convert(text, Visit)
        except (BadSignature, msgspec.ValidationError):
            return fresh()

    def write(self, response: Response, visit: Visit, *, secure: bool) -> None:
        text = self._signer.dumps(msgspec.to_builtins(visit))
        response.set_cookie(
            COOKIE,
            text,
            max_age=LIFE_S,
            path="/demo",
            httponly=True,
            samesite="Lax",
            secure=secure,
        )
