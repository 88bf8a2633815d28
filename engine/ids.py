"""Names for things: sortable where they are made here, hashed where they hide somebody."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
import uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _base32(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        letters.append(_ALPHABET[digit])
    return "".join(reversed(letters))


def new_id(prefix: str) -> str:
    """A new id such as ``dec_01jd9…``: 48 bits of time, then 80 random bits, so that ids sort by birth."""
    bits = ((time.time_ns() // 1_000_000) << 80) | int.from_bytes(os.urandom(10), "big")
    return f"{prefix}_{_base32(bits, 26)}"


def derived_id(prefix: str, *parts: str) -> str:
    """The same id for the same parts, always; what is derived cannot be made twice."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return f"{prefix}_{_base32(int.from_bytes(digest[:16], 'big'), 26)}"


def stand_in_of(shop: str, ref: str) -> str:
    """Who has what a platform knows by this name, until it is known whose it is."""
    return derived_id("hook", shop, ref)


def server_visitor_of(shop: str, who: str) -> str:
    """The visitor for what a shop's server says about somebody of whom it knows no browser: by address or number."""
    return derived_id("srv", shop, who.strip().casefold())


def derived_uuid(*parts: str) -> str:
    """A UUID that is the same for the same parts (for events made from a platform's deliveries)."""
    number = int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:16], "big")
    # RFC 9562 version 8, by hand: Python 3.11 knows versions up to 5 only.
    number = number & ~(0xF000 << 64 | 0xC000 << 48) | 0x8000 << 64 | 0x8000 << 48
    return str(uuid.UUID(int=number))


def address_hash(secret: str, address: str) -> str:
    """A keyed hash of an address, so that a suppression outlives the erasure of the address itself."""
    return hmac.new(secret.encode(), address.strip().casefold().encode(), hashlib.sha256).hexdigest()


def identity_hash(shop: str, value: str) -> str:
    """By what an address or a customer number is looked up: a hash that is different in every shop."""
    return address_hash(f"shopbell identity {shop}", value)


def share_of(*parts: str) -> float:
    """A number in [0, 1) that is fixed by the parts: who is in a holdout stays in it."""
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:7], "big") / 2**56
