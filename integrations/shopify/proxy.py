"""Shopify's app proxy: what is sent to ``/apps/…`` of a shop is passed on to us, with an address that Shopify signs.

https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from engine.errors import BadSignature
from engine.integration import Vouched, is_signed

LASTS_MS = 90_000
_SIGNED = ("shop", "timestamp", "logged_in_customer_id", "path_prefix")


def vouch(query_string: str, shop: str, secrets: tuple[str, ...], now: int) -> Vouched:
    """What Shopify says of who asks. Raises BadSignature."""
    told = _parameters(query_string)
    signature = _once(told, "signature")
    if not is_signed(_message(told), signature, *secrets, digest=lambda digest: digest.hex().encode()):
        raise BadSignature("the address was not signed with this app's secret")
    # The signature joins names and values without a mark between them; a page may add parameters of its own, so what
    # is believed must stand there once.
    for name in _SIGNED:
        _once(told, name)
    if _once(told, "shop").casefold() != shop.casefold():
        raise BadSignature("it was signed for another shop")
    _check_age(_once(told, "timestamp"), now)
    customer = _once(told, "logged_in_customer_id")
    if customer and not _is_number(customer):
        raise BadSignature("its customer is no number")
    return Vouched(customer)


def _parameters(query_string: str) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise BadSignature("its address has too many parameters") from None
    for name, value in pairs:
        told.setdefault(name, []).append(value)
    return told


def _message(told: dict[str, list[str]]) -> bytes:
    """What is signed: each name with its values, in order, joined without anything between them."""
    pairs = (f"{name}={','.join(values)}" for name, values in told.items() if name != "signature")
    return "".join(sorted(pairs)).encode(errors="replace")


def _once(told: dict[str, list[str]], name: str) -> str:
    values = told.get(name, [])
    if len(values) != 1:
        raise BadSignature(f"its address must name {name} once")
    return values[0]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


def _check_age(timestamp: str, now: int) -> None:
    if not _is_number(timestamp):
        raise BadSignature("its timestamp is no number")
    if abs(now - int(timestamp) * 1000) > LASTS_MS:
        raise BadSignature("it was signed more than 90 seconds ago, or a clock is wrong")
