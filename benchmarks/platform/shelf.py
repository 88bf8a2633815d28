"""A shop's platform that knows how many there are of everything, and takes 50 ms for every answer, as over the ocean.

It is an integration for ``benchmarks.lookups``, and as a program (``python shelf.py``) the API that this one asks.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import ClassVar

import msgspec

from engine.integration import Asker, Call, News, Page, Settings, WireEvent, fact, json_object

ADDRESS = "SHELF_API"
"""The variable that says where the API is."""
LATENCY_S = 0.05
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"


class Shelf(Asker[Settings]):
    """A platform to be measured with."""

    title: ClassVar[str] = "Shelf"
    together: ClassVar[Mapping[str, int]] = {"stock": 50}

    def ask(self, what: str, cursor: str, call: Call) -> Page:
        """How many there are of one thing."""
        return self.ask_together((what,), call)[what]

    def ask_together(self, whats: tuple[str, ...], call: Call) -> Mapping[str, Page]:
        """How many there are of each."""
        answered = call("GET", f"{os.environ[ADDRESS]}/?names={','.join(whats)}", {})
        stock = msgspec.convert(json_object(answered.body), dict[str, int])
        return {what: Page(News((_told(what, stock[what]),))) for what in whats}


def _told(what: str, stock: int) -> WireEvent:
    return fact("stock_changed", "shelf", what, stock, product={"id": what, "name": what, "stock": stock})


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    asked = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
    await asyncio.sleep(LATENCY_S)
    body = msgspec.json.encode(dict.fromkeys(asked.partition("names=")[2].split(","), 7))
    writer.write(_ANSWER % (len(body), body))
    await writer.drain()
    writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
