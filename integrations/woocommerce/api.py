"""WooCommerce's REST API, with a consumer key over HTTPS: https://woocommerce.github.io/woocommerce-rest-api-docs/.

The key goes in a header; its secret never stands in an address, because addresses stand in the logs of every server on
the way. Where a host drops the header, the address is signed instead.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from engine.errors import CallError, Throttled, Unreadable
from engine.http import Answered
from engine.integration import Call, wall_clock
from integrations.woocommerce import oauth

_PATIENCE_MS = 60_000
"""Where the answer does not say how long to wait; WooCommerce itself has no limit, its host may have one."""
_LONGEST_WAIT_S = 3_600
_REFUSED = frozenset([400, 401, 403, 404])
_GONE = frozenset(
    [
        "woocommerce_rest_shop_order_invalid_id",
        "woocommerce_rest_product_invalid_id",
        "wc_user_invalid_id",
        "woocommerce_rest_invalid_id",
    ]
)


_HINTS = {
    401: ": it does not take the key. Is it this shop's, may it read and write, and does the host hand on the "
    "Authorization header (else key_in: address)?",
    403: ": the key's user may not see that",
    404: ": is 'site' the shop's own address, and are its permalinks pretty?",
}
_MOVED = ": 'site' sends elsewhere; write the address that it sends to, with or without www."


class _NotThere(CallError):
    """The shop answers, and what was asked for is not there."""


class Api:
    """One shop's API. ``site`` is its address without a slash at its end; a key that is empty asks nothing.

    ``signs_address``: this shop's host drops the ``Authorization`` header.
    """

    def __init__(self, site: str, key: str, secret: str, *, signs_address: bool = False) -> None:
        self._base = f"{site}/wp-json/wc/v3"
        self._key = key
        self._secret = secret
        self._signs_address = signs_address
        self.is_open = bool(site and key and secret)

    def get(self, call: Call, path: str, query: Mapping[str, str]) -> bytes:
        """The answer's body. Raises CallError (``refused`` when this key may not), and Throttled."""
        return self._ask(call, "GET", path, query=query)

    def find(self, call: Call, path: str, query: Mapping[str, str]) -> bytes | None:
        """The same; None where the shop says that it has nothing of this number. Raises as :meth:`get`."""
        try:
            return self.get(call, path, query)
        except _NotThere:
            return None

    def put(self, call: Call, path: str, said: Mapping[str, object]) -> None:
        """Change what is there. Raises as :meth:`get`."""
        self._ask(call, "PUT", path, msgspec.json.encode(said))

    def post(self, call: Call, path: str, said: Mapping[str, object]) -> None:
        """Make something new. Raises as :meth:`get`."""
        self._ask(call, "POST", path, msgspec.json.encode(said))

    def delete(self, call: Call, path: str) -> None:
        """Remove it for good: webhooks know no bin. Raises as :meth:`get`."""
        self._ask(call, "DELETE", path, query={"force": "true"})

    def _ask(self, call: Call, method: str, path: str, body: bytes = b"", *, query: Mapping[str, str] = {}) -> bytes:
        address, headers = self._proven(method, f"{self._base}/{path}", query)
        said = headers | {"Content-Type": "application/json"} if body else headers
        answered = call(method, address, said, body)
        if answered.status in (429, 503):
            raise Throttled(_wait_ms(answered))
        if answered.status == 404 and _says_gone(answered.body):
            raise _NotThere(f"WooCommerce has no {path}", refused=True)
        if answered.status not in (200, 201):
            # Its message may quote what was asked about; its status says enough.
            hint = _HINTS.get(answered.status, _MOVED if 300 <= answered.status < 400 else "")
            raise CallError(
                f"WooCommerce answered {answered.status} to {path}{hint}", refused=answered.status in _REFUSED
            )
        return answered.body

    def _proven(self, method: str, address: str, query: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The whole address and the headers, of which one or the other tells who asks."""
        headers = {"Accept": "application/json"}
        if self._signs_address:
            key = {"key": self._key, "secret": self._secret}
            query = oauth.signed(method, address, query, **key, nonce=secrets.token_hex(16), at_s=wall_clock() // 1_000)
        else:
            told = base64.b64encode(f"{self._key}:{self._secret}".encode()).decode()
            headers["Authorization"] = f"Basic {told}"
        return f"{address}?{urlencode(query)}" if query else address, headers


def _says_gone(body: bytes) -> bool:
    """Whether a 404 is WooCommerce's own word: a wrong address, or a host without permalinks, answers 404 as well."""
    try:
        said = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return False
    return said.get("code") in _GONE


def items(body: bytes) -> list[bytes]:
    """The things in a list, each with its bytes as they came. Raises Unreadable."""
    try:
        return [bytes(item) for item in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, RecursionError):
        raise Unreadable("the answer is no list; is what answers at 'site' WooCommerce?") from None


def _wait_ms(answered: Answered) -> int:
    told = answered.headers.get("retry-after", "")
    return min(int(told), _LONGEST_WAIT_S) * 1_000 if told.isascii() and told.isdigit() else _PATIENCE_MS
