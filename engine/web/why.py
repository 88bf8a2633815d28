"""``/dev/why/<visitor>.json``: what the demo shop's drawer shows. Development only, because it tells much."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, abort

from engine.explain import why
from engine.web.services import services

blueprint = Blueprint("why", __name__)


@blueprint.get("/dev/why/<visitor>.json")
def why_json(visitor: str) -> Response:
    house = services()
    shop = next(iter(house.live.shops().values()))
    view = why(house.engine, shop, visitor)
    if view is None:
        abort(404)
    return Response(msgspec.json.encode(view, enc_hook=str), content_type="application/json")
