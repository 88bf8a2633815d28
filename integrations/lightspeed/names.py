"""What the products in a quote are called, in its own language: its lines may only link to them."""

from __future__ import annotations

from collections import OrderedDict

from engine.errors import CallError
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

    def complete(self, lines: list[Json], language: str, call: Call) -> list[Json]:
        """The lines, with their products and variants inside; ``language`` is the shop's own code, "" for the usual."""
        return [*(self._completed(line, language, call) for line in lines[:_MOST_ASKED]), *lines[_MOST_ASKED:]]

    def _completed(self, line: Json, language: str, call: Call) -> Json:
        return line | {part: self._link(line, part, language, call) for part in ("product", "variant")}

    def _link(self, line: Json, part: str, language: str, call: Call) -> object:
        name = linked(line, part)
        if name is None or not name.isalnum() or inside(line, part):
            return line.get(part)
        path = f"{part}s/{name}"
        known_as = f"{language}/{path}"
        found = self._kept.get(known_as)
        if found is None:
            found = self._kept[known_as] = self._called(path, part, language, call)
        self._kept.move_to_end(known_as)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return {"resource": {"id": name, "embedded": found}}

    def _called(self, path: str, part: str, language: str, call: Call) -> Json:
        """In that language, else in the usual one: what the API refuses in a language must not cost the cart."""
        if language not in ("", self._api.language):
            try:
                found = self._api.one(call, path, part, language)
            except CallError as error:
                if not error.refused:
                    raise
                found = None
            if found is not None:
                return found
        return self._api.one(call, path, part) or {}
