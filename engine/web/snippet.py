"""The storefront script, and what integrations bring for the shop's pages: cached for long under their content's hash,
shortly under their plain name."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, request

DIST = Path(__file__).resolve().parents[2] / "snippet" / "dist"

blueprint = Blueprint("snippet", __name__)


@cache
def files() -> frozenset[str]:
    """What was built, by its name under :data:`DIST`."""
    return frozenset(path.relative_to(DIST).as_posix() for path in DIST.rglob("*.js"))


@cache
def _file(name: str) -> tuple[bytes, str]:
    content = (DIST / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:16]


@blueprint.get("/<name>.js")
def script(name: str) -> Response:
    """``/shopbell.js``, ``/shopbell-ui.js``, or either with its hash: ``/shopbell.<hash>.js`` or ``?v=<hash>``."""
    plain, _, stated = name.partition(".")
    return _answer(f"{plain}.js", stated)


@blueprint.get("/adapters/<name>.js")
def adapter(name: str) -> Response:
    """What an integration brings for the shop's pages, by the integration's name; with its hash as above."""
    plain, _, stated = name.partition(".")
    return _answer(f"adapters/{plain}.js", stated)


def _answer(file: str, stated: str) -> Response:
    if file not in files():
        abort(404)
    content, digest = _file(file)
    if stated and stated != digest:
        abort(404)
    answer = Response(content, content_type="text/javascript; charset=utf-8")
    # Only what this very content is called by may be kept for good: a deploy must not store the new under the old name.
    forever = digest in (stated, request.args.get("v"))
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if forever else "public, max-age=300"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.set_etag(digest)
    answer.make_conditional(request)
    return answer
