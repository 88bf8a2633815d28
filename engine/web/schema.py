"""``/v1/rules.schema.json``: the rule language for editors, in the version that this house runs."""

from __future__ import annotations

import hashlib
from functools import cache

import msgspec
from flask import Blueprint, Response, request

from engine.integration import known
from engine.rules.schema import json_schema

blueprint = Blueprint("schema", __name__)


@cache
def _document() -> tuple[bytes, str]:
    body = msgspec.json.encode(json_schema(known()))
    return body, hashlib.sha256(body).hexdigest()[:16]


@blueprint.get("/v1/rules.schema.json")
def rules_schema() -> Response:
    """The JSON Schema (draft 7) of a rule file; an editor that has its address completes and checks while you type."""
    body, digest = _document()
    answer = Response(body, content_type="application/json")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cache-Control"] = "public, max-age=300"
    answer.set_etag(digest)
    answer.make_conditional(request)
    return answer
