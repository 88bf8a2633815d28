"""``/dev/why/<visitor>.json``: what the demo shop's drawer shows. Development only, because it tells much.

``?at=2026-11-20T14:03`` or ``?at=5m ago`` asks about a moment that is over; without a zone, on the shop's own clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from flask import Blueprint, Response, abort, request

from engine.errors import InvalidMoment
from engine.language import Catalogues
from engine.past import why_at
from engine.said import FOLDER, Said
from engine.web.services import services

blueprint = Blueprint("why", __name__)
CATALOGUES: Final = Catalogues(FOLDER)


@blueprint.get("/dev/why/<visitor>.json")
def why_json(visitor: str) -> Response:
    house = services()
    shop = next(iter(house.live.shops().values()))
    try:
        view = why_at(house.engine, shop, visitor, request.args.get("at"))
    except InvalidMoment as error:
        abort(400, str(error.message))
    if view is None:
        abort(404)
    told = msgspec.json.encode(view, enc_hook=_into(request.args.get("language")))
    return Response(told, content_type="application/json")


def _into(language: str | None) -> Callable[[Said], str]:
    """How what is said to marketers is said to somebody who reads this language."""
    translations = CATALOGUES.translations(CATALOGUES.choose(language))
    return lambda said: said.translated(translations)
