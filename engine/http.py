"""Calls to other systems, at addresses that somebody wrote into a file: the house must not be turned against itself.

The address that is really connected to must be a public one, whatever the name said a moment before; redirects are not
followed, and an answer may take only so long and be only so large.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse, RemoteDisconnected
from io import BufferedReader
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import ClassVar, Final
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from engine.errors import CallError

# Its warnings quote whole addresses: a shop is asked for somebody's orders by their e-mail address.
logging.getLogger("urllib3").setLevel(logging.ERROR)

Address = IPv4Address | IPv6Address
Permit = Callable[[Address], bool]
CONNECT_S: Final = 5.0
ANSWER_S: Final = 10.0
WHOLE_S: Final = 15.0
LARGEST_ANSWER: Final = 64 * 1024
LARGEST_PAGE: Final = 4 * 1024 * 1024
"""Of what somebody is asked for; longer, and it is refused instead of cut."""

_NOT_PUBLIC: Final = tuple(
    map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "100.64.0.0/10", "192.88.99.0/24"))
)
"""Doors to other networks that Python's own ``is_global`` lets pass: translated, tunnelled and shared addresses."""


def is_public(address: Address) -> bool:
    """Whether the address is one of the open internet and leads nowhere else."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if mapped is not None:
        return is_public(mapped)
    inside = any(address in network for network in _NOT_PUBLIC if network.version == address.version)
    return address.is_global and not address.is_multicast and not address.is_reserved and not inside


@dataclass(frozen=True)
class Answered:
    """What came back: the status, the body as far as it was read, and the headers by their names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Caller:
    """Makes calls. ``permit`` says which addresses may be connected to; ``schemes`` which kinds of call."""

    def __init__(self, *, permit: Permit = is_public, schemes: tuple[str, ...] = ("https",)) -> None:
        self._permit = permit
        self._schemes = schemes

    def post(self, url: str, body: bytes, headers: Mapping[str, str], fence: Callable[[], bool]) -> Answered:
        """Send ``body``; ``fence`` is asked directly before its last byte, and False means that it stays here.

        Raises CallError: ``refused`` for an address that will never do, ``uncertain`` when the last byte may have left.
        """
        letter = _Letter(body, fence)
        return self._call("POST", url, letter, headers, LARGEST_ANSWER)

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, within_s: float = WHOLE_S
    ) -> Answered:
        """Ask for something that may be asked for again, so nothing fences it; it may take so long from its beginning.

        Raises CallError; ``refused`` for an address that will never do, and for an answer longer than any page.
        """
        letter = _Letter(body, lambda: True) if body else None
        answered = self._call(method, url, letter, headers, LARGEST_PAGE + 1, within_s)
        if len(answered.body) > LARGEST_PAGE:
            raise CallError("the answer is longer than any page", refused=True)
        return answered

    def _call(
        self,
        method: str,
        url: str,
        letter: _Letter | None,
        headers: Mapping[str, str],
        most: int,
        within_s: float = WHOLE_S,
    ) -> Answered:
        parts = urlsplit(url)
        if parts.scheme not in self._schemes or not parts.hostname:
            raise CallError(f"only {' and '.join(self._schemes)} addresses are called", refused=True)
        pool = self._pool(parts.scheme, parts.hostname, parts.port)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            return self._exchange(pool, method, target, letter, headers, most, within_s)
        except (HTTPError, OSError) as error:
            gone = letter is not None and letter.gone
            raise CallError(f"no answer: {type(error).__name__}", uncertain=gone) from None
        finally:
            pool.close()

    def _pool(self, scheme: str, host: str, port: int | None) -> HTTPConnectionPool:
        kind = HTTPSConnectionPool if scheme == "https" else HTTPConnectionPool
        # With its port said, no host that has colons in it can be taken for a host with a port.
        stated = port or (443 if scheme == "https" else 80)
        pool = kind(host, stated, maxsize=1, retries=False, timeout=Timeout(connect=CONNECT_S, read=ANSWER_S))
        base = _CheckedTls if scheme == "https" else _CheckedPlain
        pool.ConnectionCls = type("Checked", (base,), {"permit": staticmethod(self._permit), "lines": _Lines()})
        return pool

    def _exchange(
        self,
        pool: HTTPConnectionPool,
        method: str,
        target: str,
        letter: _Letter | None,
        headers: Mapping[str, str],
        most: int,
        within_s: float,
    ) -> Answered:
        length = {"Content-Length": str(len(letter.body))} if letter is not None else {}
        stated = {**headers, **length, "Accept-Encoding": "identity"}
        # A time limit for each read is none for the whole: somebody may send a byte every few seconds.
        watch = threading.Timer(min(within_s, WHOLE_S), pool.ConnectionCls.lines.cut)  # type: ignore[attr-defined]
        watch.daemon = True
        watch.start()
        try:
            response = pool.urlopen(
                method, target, body=letter, headers=stated, redirect=False, retries=False, preload_content=False
            )
            told = {name.casefold(): value for name, value in response.headers.items()}
            return Answered(response.status, response.read(most), told)
        finally:
            watch.cancel()


class InTime:
    """Calls that have so long for all of them together, from when it is made."""

    def __init__(self, caller: Caller, within_s: float) -> None:
        self._caller = caller
        self._ends = time.monotonic() + within_s

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        """As :meth:`Caller.ask`."""
        left_s = self._ends - time.monotonic()
        if left_s <= 0:
            raise CallError("it took too long to answer")
        return self._caller.ask(method, url, headers, body, within_s=left_s)


class StandIn(Caller):
    """Asks one address of this machine whatever is asked of any other, under the other's name: for a simulated shop.

    What is refused in earnest is refused here: only https addresses are called.
    """

    def __init__(self, url: str) -> None:
        super().__init__(permit=lambda address: address.is_loopback, schemes=("http",))
        self._url = url.rstrip("/")

    def _call(
        self,
        method: str,
        url: str,
        letter: _Letter | None,
        headers: Mapping[str, str],
        most: int,
        within_s: float = WHOLE_S,
    ) -> Answered:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise CallError("only https addresses are called", refused=True)
        instead = f"{self._url}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        return super()._call(method, instead, letter, {**headers, "Host": parts.netloc}, most, within_s)


def caller(stand_in: str) -> Caller:
    """What asks shops' platforms: the open internet, or in a simulated shop the ``stand_in`` on this machine."""
    return StandIn(stand_in) if stand_in else Caller()


class _Letter:
    """The body, with the fence before its last byte; ``gone`` tells whether that byte may have left."""

    def __init__(self, body: bytes, fence: Callable[[], bool]) -> None:
        self.body = body
        self.gone = False
        self._fence = fence

    def __iter__(self) -> Iterator[bytes]:
        yield self.body[:-1]
        if not self._fence():
            raise CallError("another worker owns it")
        self.gone = True
        yield self.body[-1:]


class _Lines:
    """The connections of one call. Once it has taken too long they are cut, and what is opened later at once."""

    def __init__(self) -> None:
        self._opened: list[socket.socket] = []
        self._over = False

    def add(self, connection: socket.socket) -> None:
        self._opened.append(connection)
        if self._over:
            self.cut()

    def cut(self) -> None:
        self._over = True
        for connection in self._opened:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Read(BufferedReader):
    """Remembers the last line, which is empty when the other side said no more."""

    last = b""

    def readline(self, size: int | None = -1, /) -> bytes:
        self.last = super().readline(size)
        return self.last


class _WholeHead(HTTPResponse):
    """An answer whose headers were cut off is none: the standard library takes their end for the end of the headers.

    A body that is cut off is noticed by urllib3, as long as its length was told or it comes in chunks.
    """

    def begin(self) -> None:
        read = self.fp = _Read(self.fp.detach())
        super().begin()
        if not read.last:
            raise RemoteDisconnected("the answer ends within its headers")


class _Checked(HTTPConnection):
    """Looks the name up itself, and connects to nothing but a permitted address."""

    response_class = _WholeHead
    permit: ClassVar[Permit]
    lines: ClassVar[_Lines]

    def _new_conn(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self.host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise CallError(f"there is no {self.host[:100]} to be found, or no way out to it") from None
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        allowed = [address for address in addresses if type(self).permit(ip_address(address))]
        if len(allowed) < len(addresses) or not allowed:
            # All of them: a name that is public and private by turns is somebody's trick.
            raise CallError("the name leads to an address that is not public", refused=True)
        connection = _connect(allowed, self.port)
        self.lines.add(connection)
        return connection


def _connect(addresses: list[str], port: int) -> socket.socket:
    give_up_at, failed = time.monotonic() + CONNECT_S, "nobody answers"
    for address in dict.fromkeys(addresses):
        try:
            return socket.create_connection((address, port), max(0.1, give_up_at - time.monotonic()))
        except OSError as error:
            failed = f"nobody answers: {type(error).__name__}"
    raise CallError(failed)


class _CheckedPlain(_Checked):
    pass


class _CheckedTls(_Checked, HTTPSConnection):
    pass
