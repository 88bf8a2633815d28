"""WooCommerce's REST API, with a consumer key over HTTPS: https://woocommerce.github.io/woocommerce-rest-api-docs/.

The key goes in a header, never in the address, because addresses stand in the logs of every server on the way.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from engine.errors import CallError, Throttled, Unreadable
from engine.http import Answered
from engine.integration import Call

_PATIENCE_MS = 60_000
"""Where the answer does not say how long to wait; WooCommerce itself has no limit, its host may have one."""
_LONGEST_WAIT_S = 3_600
_REFUSED = frozenset([400, 401, 403, 404])
_GONE = frozenset(["woocommerce_rest_shop_order_invalid_id", "wc_user_invalid_id"])


class _NotThere(CallError):
    """The shop answers, and what was asked for is not there."""


class Api:
    """One shop's API. ``site`` is its address without a slash at its end; a key that is empty asks nothing."""

    def __init__(self, site: str, key: str, secret: str) -> None:
        self._base = f"{site}/wp-json/wc/v3"
        self._authorization = "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
        self.is_open = bool(site and key and secret)

    def get(self, call: Call, path: str, query: Mapping[str, str]) -> bytes:
        """The answer's body. Raises CallError (``refused`` when this key may not), and Throttled."""
        return self._ask(call, "GET", f"{path}?{urlencode(query)}")

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
        self._ask(call, "DELETE", f"{path}?force=true")

    def _ask(self, call: Call, method: str, path: str, body: bytes = b"") -> bytes:
        headers = {"Authorization": self._authorization, "Accept": "application/json"}
        said = headers | {"Content-Type": "application/json"} if body else headers
        answered = call(method, f"{self._base}/{path}", said, body)
        if answered.status in (429, 503):
            raise Throttled(_wait_ms(answered))
        if answered.status == 404 and _says_gone(answered.body):
            raise _NotThere(f"WooCommerce has no {path.partition('?')[0]}", refused=True)
        if answered.status not in (200, 201):
            # Its message may quote what was asked about; its status says enough.
            raise CallError(
                f"WooCommerce answered {answered.status} to {path.partition('?')[0]}",
                refused=answered.status in _REFUSED,
            )
        return answered.body


def _says_gone(body: bytes) -> bool:
    """Whether a 404 is WooCommerce's own word: a wrong address, or a host without permalinks, answers 404 as well."""
    try:
        said = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError:
        return False
    return said.get("code") in _GONE


def items(body: bytes) -> list[bytes]:
    """The things in a list, each with its bytes as they came. Raises Unreadable."""
    try:
        return [bytes(item) for item in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except msgspec.DecodeError:
        raise Unreadable("the answer is no list") from None


def _wait_ms(answered: Answered) -> int:
    told = answered.headers.get("retry-after", "")
    return min(int(told), _LONGEST_WAIT_S) * 1_000 if told.isascii() and told.isdigit() else _PATIENCE_MS
