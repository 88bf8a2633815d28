"""What shoppers do in more than one test."""

from __future__ import annotations

import html
import json
import re

from flask.testing import FlaskClient

CONTACT = {"name": "Noor de Wit", "email": "noor@example.com", "may_mail": "yes"}
ADDRESS = {"street": "Kade 3", "postcode": "7201 km", "city": "Zutphen", "country": "NL"}


def text_of(shopper: FlaskClient, path: str, status: int = 200) -> str:
    """The page as text a person reads: no tags, entities resolved, white space folded."""
    answer = shopper.get(path)
    assert answer.status_code == status, path
    without = re.sub(r"<(script|head).*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(without).split())


def facts_of(shopper: FlaskClient, path: str) -> dict[str, object]:
    """What the page's scripts get to tell Shopbell."""
    pattern = r'<script type="application/json" id="page-data">(.*?)</script>'
    found = re.search(pattern, shopper.get(path).text, re.DOTALL)
    assert found, path
    facts: dict[str, object] = json.loads(found.group(1))
    return facts


def put_in_cart(shopper: FlaskClient, product: str, quantity: int = 1) -> None:
    answer = shopper.post("/demo/nl/cart/add", data={"product": product, "quantity": str(quantity)})
    assert answer.status_code == 303


def walk_to_payment(shopper: FlaskClient, method: str = "standard", contact: dict[str, str] | None = None) -> None:
    for step, form in (("contact", contact or CONTACT), ("address", ADDRESS), ("shipping", {"method": method})):
        assert shopper.get(f"/demo/nl/checkout/{step}").status_code == 200, step
        assert shopper.post(f"/demo/nl/checkout/{step}", data=form).status_code == 303, step
