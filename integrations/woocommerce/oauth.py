"""A signature in the address, for hosts that drop the ``Authorization`` header on its way to PHP.

WooCommerce takes OAuth 1.0a (RFC 5849) with a consumer's key alone. The key's secret signs and never travels, so what
stands in the logs of servers on the way opens nothing: WooCommerce takes a moment and a nonce once, for 15 minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote


def signed(
    method: str, address: str, query: Mapping[str, str], *, key: str, secret: str, nonce: str, at_s: int
) -> dict[str, str]:
    """The query with what proves it; ``at_s`` in seconds since the epoch, ``nonce`` is used this once."""
    told = {
        **query,
        "oauth_consumer_key": key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(at_s),
    }
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in told.items())
    base = "&".join((method, _quoted(address), _quoted("&".join(f"{name}={value}" for name, value in pairs))))
    signature = hmac.new(f"{secret}&".encode(), base.encode(), hashlib.sha256).digest()
    return told | {"oauth_signature": base64.b64encode(signature).decode()}


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")
