"""What the products in a quote are called: its lines may only link to them."""

from __future__ import annotations

from collections import OrderedDict

from engine.integration import Call, Json
from integrations.lightspeed.api import Api
from integrations.lightspeed.body import inside, linked

_MOST_KEPT = 2_000
_MOST_ASKED = 10
"""For one line after the other; whoever has more kinds of things in the cart is told the first ten by name."""


class Names:
    """Products and variants as they were called last; a name that was looked up once is not asked for again."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._kept: OrderedDict[str, Json] = OrderedDict()

    def complete(self, lines: list[Json], call: Call) -> list[Json]:
        """The lines, with their products and variants inside."""
        return [*(self._completed(line, call) for line in lines[:_MOST_ASKED]), *lines[_MOST_ASKED:]]

    def _completed(self, line: Json, call: Call) -> Json:
        return line | {part: self._link(line, part, call) for part in ("product", "variant")}

    def _link(self, line: Json, part: str, call: Call) -> object:
        name = linked(line, part)
        if name is None or not name.isalnum() or inside(line, part):
            return line.get(part)
        path = f"{part}s/{name}"
        found = self._kept.get(path)
        if found is None:
            found = self._kept[path] = self._api.one(call, path, part) or {}
        self._kept.move_to_end(path)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return {"resource": {"id": name, "embedded": found}}
