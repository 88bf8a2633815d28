"""A package from npm, in exactly the version of a lock file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def install(here: Path, into: Path) -> Path:
    """What the lock file beside a test asks for, installed into another folder; returns where the packages are."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(here / name, into)
    done = subprocess.run(
        ["npm", "ci", "--prefer-offline", "--ignore-scripts"], cwd=into, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return into / "node_modules"
