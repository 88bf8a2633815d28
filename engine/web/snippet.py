"""The storefront script: cached for long under its content hash, shortly under its plain name."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, request

DIST = Path(__file__).resolve().parents[2] / "snippet" / "dist"
FILES = {"shopbell.js", "shopbell-ui.js"}

blueprint = Blueprint("snippet", __name__)


@cache
def _file(name: str) -> tuple[bytes, str]:
    content = (DIST / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:16]


@blueprint.get("/<name>.js")
def script(name: str) -> Response:
    """``/shopbell.js``, ``/shopbell-ui.js``, or either with its hash: ``/shopbell.<hash>.js`` or ``?v=<hash>``."""
    plain, _, stated = name.partition(".")
    if f"{plain}.js" not in FILES:
        abort(404)
    content, digest = _file(f"{plain}.js")
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
