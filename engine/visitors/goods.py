"""Products the shopper looked at or has in the cart: what they cost, whether they are there, and since when."""

from __future__ import annotations

from engine.events import Event, Product
from engine.visitors.state import MAX_GOODS, Basket, Good, Item, Visitor


def is_same(good: Good, item: Item) -> bool:
    """Whether a product is what a cart line holds."""
    if good.sku and item.sku:
        return good.sku == item.sku
    return bool(good.product_id) and good.product_id == item.product_id


def learn_product(visitor: Visitor, event: Event) -> None:
    """What the event says about a product; of products that do not concern this shopper nothing is kept."""
    product = event.product
    if product is None or not (product.sku or product.id):
        return
    good = _find(visitor.goods, product)
    if good is None:
        good = _begin(visitor.basket, product, looked=event.type == "product_viewed")
        if good is None:
            return
        visitor.goods.append(good)
    if event.type == "product_viewed":
        good.seen_at = max(good.seen_at, event.at)
    if event.at >= good.told_at:
        # Of what pages tell nothing needs to be remembered: they are told in their order.
        good.told_at = event.at if event.trusted else good.told_at
        _learn_price(good, product, event)
        _learn_stock(good, product, event)
    while len(visitor.goods) > MAX_GOODS:
        visitor.goods.remove(min(visitor.goods, key=lambda each: each.seen_at))


def good_of(visitor: Visitor, product: Product) -> Good | None:
    """What this visitor's state knows of the product."""
    return _find(visitor.goods, product)


def _find(goods: list[Good], product: Product) -> Good | None:
    wanted = Item(sku=product.sku[:60], product_id=product.id[:60])
    return next((good for good in goods if is_same(good, wanted)), None)


def _begin(basket: Basket | None, product: Product, *, looked: bool) -> Good | None:
    good = Good(product.sku[:60], product.id[:60], currency=product.currency)
    item = next((item for item in basket.items if is_same(good, item)), None) if basket else None
    if item is not None and basket is not None:
        good.seen_at, good.currency = basket.opened_at, basket.currency
        good.price = item.value // item.quantity if item.quantity and item.value else None
    return good if looked or item is not None else None


def _learn_price(good: Good, product: Product, event: Event) -> None:
    # Two currencies cannot be compared, and a rate is not ours to guess.
    if product.price is None or (good.price is not None and product.currency != good.currency):
        return
    if good.price is not None and product.price < good.price:
        good.was, good.dropped_at = max(good.was or 0, good.price), event.at
    elif good.was is not None and product.price >= good.was:
        good.was = good.dropped_at = None
    good.price, good.currency = product.price, product.currency


def _learn_stock(good: Good, product: Product, event: Event) -> None:
    if product.stock is None:
        return
    stock = max(0, min(product.stock, 10**9))
    if good.stock == 0 and stock > 0:
        good.back_at = event.at
    elif stock == 0:
        good.back_at = None
    good.stock = stock
