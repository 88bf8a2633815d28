"""A recorded body with something odd in one of its places."""

from __future__ import annotations

from collections.abc import Iterator

ODD: tuple[object, ...] = (
    None, [], {}, [[]], [{}], "", "x", "1e999", "-1", "2026-02-30", 7, -1, 10**18, 1.5, True, "\u2028",
    {"a": {"b": []}},
)  # fmt: skip
Place = tuple[object, ...]


def places(value: object, path: Place = ()) -> Iterator[Place]:
    """The place of everything in a body, the whole of it first."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield from places(inner, (*path, name))


def replaced(value: object, path: Place, new: object) -> object:
    """The body with something else in that place."""
    if not path:
        return new
    name, *rest = path
    if isinstance(value, dict):
        return {key: replaced(inner, tuple(rest), new) if key == name else inner for key, inner in value.items()}
    assert isinstance(value, list)
    return [replaced(inner, tuple(rest), new) if place == name else inner for place, inner in enumerate(value)]
