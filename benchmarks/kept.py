"""Records in the folder of results: one JSON file for each day and kind."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


def keep(record: msgspec.Struct, folder: Path, name: str) -> Path:
    """Write the record into ``folder``, over one of the same name; returns where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    return path


def newest(folder: Path, suffix: str, kind: type[T]) -> T | None:
    """The newest record whose name ends like this; names begin with the day."""
    paths = sorted(folder.glob(f"*{suffix}"))
    return msgspec.json.decode(paths[-1].read_bytes(), type=kind) if paths else None
