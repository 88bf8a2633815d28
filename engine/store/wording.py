"""Whether a text that somebody else wrote says a name, however it is escaped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from urllib.parse import unquote_plus

_BEFORE = re.compile(r"[^\s@\"'<>()\[\],;:=&?/\\]+\Z")
_AFTER = re.compile(r"[^\s@\"'<>()\[\],;:=&?/\\]+")
_LONGEST_NAME, _LONGEST_HOST = 64, 255
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def stands_in(text: str, words: Collection[str]) -> bool:
    """Whether one of the words stands in it as a word of its own: the customer 191167 is not 1911670.

    As JSON writes it, also with PHP's escapes, or as an address or a form does.
    """
    return any(_stands_alone(form, word.casefold()) for form in _forms(text) for word in words if word)


def addresses_in(text: str) -> set[str]:
    """Whatever in it looks like somebody's e-mail address, in small letters."""
    return {address for form in _forms(text) for address in _addresses(form)}


def _addresses(text: str) -> Iterator[str]:
    # From each @ outwards, for a body may be two million letters without one.
    for left, right in pairwise(text.split("@")):
        name, host = _BEFORE.search(left[-_LONGEST_NAME:]), _AFTER.match(right[:_LONGEST_HOST])
        if name and host:
            yield f"{name[0]}@{host[0].strip('.')}"


def _forms(text: str) -> tuple[str, ...]:
    plain = _plain(text)
    return (plain, unquote_plus(plain)) if "%" in plain or "+" in plain else (plain,)


def _plain(text: str) -> str:
    read = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).replace("\\/", "/")
    # Two escapes of one letter beyond the first 65,536 become that letter.
    return read.encode("utf-16", "surrogatepass").decode("utf-16", "replace").casefold()


def _stands_alone(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        around = text[at - 1 : at] + text[at + len(word) : at + len(word) + 1]
        if not any(letter.isalnum() for letter in around):
            return True
        at = text.find(word, at + 1)
    return False
