"""A page of the shop as its server sends it: the tags in it, and what its policy lets them do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import SplitResult, urljoin, urlsplit


@dataclass(frozen=True)
class Page:
    """``scripts`` are the attributes of each script that has an address; that address is whole, as ``src``."""

    url: str
    scripts: tuple[Mapping[str, str], ...] = ()
    policies: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return origin_of(self.url)

    def named(self, file: str) -> list[Mapping[str, str]]:
        """The scripts of that file, also under its name with a hash: ``shopbell.js``, ``shopbell.1a2b.js``."""
        stem, _, kind = file.rpartition(".")
        return [each for each in self.scripts if _is_file(urlsplit(each["src"]).path, stem, kind)]

    def allows(self, what: str, url: str, nonce: str = "") -> bool:
        """Whether the page's policies let a script from there run (``script-src``), or be asked (``connect-src``)."""
        return all(_permits(policy, what, url, self.origin, nonce) for policy in self.policies)


def read_page(url: str, body: bytes, headers: Mapping[str, str]) -> Page:
    """What stands in it; whatever is no HTML has no tags."""
    reader = _Reader(url)
    reader.feed(body.decode("utf-8", errors="replace"))
    stated = headers.get("content-security-policy", "")
    policies = (*(part for part in stated.split(",") if part.strip()), *reader.policies)
    return Page(url, tuple(reader.scripts), policies, headers)


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.scripts: list[Mapping[str, str]] = []
        self.policies: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "script" and told.get("src"):
            self.scripts.append(told | {"src": urljoin(self._url, told["src"].strip())})
        if tag == "meta" and told.get("http-equiv", "").casefold() == "content-security-policy":
            self.policies.append(told.get("content", ""))


def _is_file(path: str, stem: str, kind: str) -> bool:
    name = path.rpartition("/")[2]
    return name == f"{stem}.{kind}" or (name.startswith(f"{stem}.") and name.endswith(f".{kind}"))


def _permits(policy: str, what: str, url: str, own: str, nonce: str) -> bool:
    """https://www.w3.org/TR/CSP3/#match-url-to-source-list, as far as a script's address and a request go."""
    told: dict[str, list[str]] = {}
    for directive in policy.split(";"):
        name, *sources = directive.split() or [""]
        told.setdefault(name.casefold(), sources)
    asked = ("script-src-elem", "script-src", "default-src") if what == "script-src" else (what, "default-src")
    stated = [told[name] for name in asked if name in told]
    if not stated:
        return True
    sources = stated[0]
    return (nonce != "" and f"'nonce-{nonce}'" in sources) or any(_fitting(sources, url, own))


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _fitting(sources: list[str], url: str, own: str) -> Iterator[bool]:
    target = urlsplit(url)
    host = (target.hostname or "").lower()
    for source in map(str.casefold, sources):
        if source == "'self'":
            yield origin_of(url) == own
        elif source == "*" or source == f"{target.scheme}:":
            yield True
        elif not source.startswith("'"):
            stated = urlsplit(source if "://" in source else f"{target.scheme}://{source}")
            named = stated.hostname or ""
            fits = host.endswith(named[1:]) if named.startswith("*.") else host == named
            yield fits and stated.scheme == target.scheme and _port(stated) == _port(target)
