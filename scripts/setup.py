"""Make ``.venv`` what this checkout needs: ``python3 scripts/setup.py run``, ``… test`` or ``… bench``.

Runs on the machine's own Python with nothing installed, and does nothing where nothing has changed.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
# What a test environment has is enough to run, too, and one for benchmarks has everything.
ENOUGH_FOR = {"run": ("run", "test", "bench"), "test": ("test", "bench"), "bench": ("bench",)}


def main(purpose: str) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - nothing has made sure of it yet
        sys.exit("Shopbell needs Python 3.11 or later; this is {}.{}.".format(*sys.version_info))
    if any(_stamp(kind).is_file() and _stamp(kind).read_text() == _state(kind) for kind in ENOUGH_FOR[purpose]):
        return
    print(f"Installing what Shopbell needs to {purpose} into .venv …", flush=True)
    for kind in ENOUGH_FOR["run"]:
        _stamp(kind).unlink(missing_ok=True)
    if not _venv_works():
        _make_venv()
    _pip("install", "--require-hashes", "--no-deps", "-r", f"requirements/{purpose}.txt")
    # `compat` puts this folder on the path; the default, a finder for each package, is slower and opaque to tools.
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--config-settings", "editable_mode=compat"]
    _pip("install", *options, "--editable", ".")
    _stamp(purpose).write_text(_state(purpose))


def _stamp(kind: str) -> Path:
    return VENV / f"installed-to-{kind}"


def _state(kind: str) -> str:
    """Changes when anything does that would have to be installed anew; the path, because a venv cannot be moved."""
    digest = hashlib.sha256(f"{ROOT}".encode())
    for name in (f"requirements/{kind}.txt", "pyproject.toml", "scripts/setup.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _venv_works() -> bool:
    """Whether the environment is here, whole, and on a Python that Shopbell runs on."""
    if not VENV_PYTHON.exists():
        return False
    question = f"import pip, sys; sys.exit(sys.version_info < (3, 11) or sys.prefix != {str(VENV)!r})"
    return subprocess.run([VENV_PYTHON, "-c", question], capture_output=True, check=False).returncode == 0


def _make_venv() -> None:
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        sys.exit(
            "This Python cannot make environments because its venv module is incomplete; "
            "on Debian and Ubuntu `apt-get install python3-venv` completes it."
        )
    if VENV.exists():
        shutil.rmtree(VENV)
    venv.EnvBuilder(with_pip=True, symlinks=True).create(VENV)


def _pip(*arguments: str) -> None:
    command = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        sys.exit(f"`pip {' '.join(arguments[:1])}` failed with exit code {code}; what it said stands above.")


if __name__ == "__main__":
    main(sys.argv[1])
