"""The doors: events in, links from mails, the storefront script, health; in development also the demo shop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from engine.committer import Committer
from engine.errors import RequestError, StoreError, Unavailable
from engine.hints import Bell
from engine.intake import Intake, require_secrets
from engine.links import Links
from engine.live import LiveKeys, open_rules
from engine.settings import Settings
from engine.store.database import open_engine
from engine.web import development, events, health, hooks, openapi, proxy, schema, snippet
from engine.web.actions import SqlLinkActions
from engine.web.faults import fault, plain_error
from engine.web.heard import Heard
from engine.web.limits import RateLimits
from engine.web.links import create_blueprint as links_blueprint
from engine.web.services import Services


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application. Raises SettingsError or RuleFileError when it cannot work at all."""
    settings = settings or Settings.from_env()
    app = Flask(__name__, static_folder="static", static_url_path="/assets")
    engine = open_engine(settings.database_url, durability=settings.durability)
    links = Links(settings.secret_key, settings.public_url)
    live = open_rules(settings, engine)
    committer = Committer(engine)
    for shop in live.shops().values():
        require_secrets(shop)
    house = Services(
        settings=settings,
        engine=engine,
        live=live,
        keys=LiveKeys(engine),
        committer=committer,
        bell=Bell(settings.redis_url),
        intake=Intake(engine, committer),
        links=links,
        limits=RateLimits(settings.visitor_rate, settings.address_rate),
        heard=Heard(engine),
        threads=ThreadPoolExecutor(settings.web_threads, thread_name_prefix="request"),
    )
    app.extensions["shopbell"] = house
    for room in (events, hooks, proxy, health, snippet, openapi, schema):
        app.register_blueprint(room.blueprint)
    app.register_blueprint(links_blueprint(links, SqlLinkActions(engine, live, committer)))
    if not settings.production:
        development.register(app, house)
    app.register_error_handler(RequestError, events.error_response)
    app.register_error_handler(StoreError, _database_away)
    app.register_error_handler(HTTPException, _plain_error)
    app.register_error_handler(Exception, fault)
    app.wsgi_app = events.before_flask(house, app.wsgi_app)  # type: ignore[method-assign, assignment]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _database_away(error: StoreError) -> Response:
    del error
    return events.error_response(Unavailable("the database cannot be reached right now; try again in a moment"))


def _plain_error(error: HTTPException) -> Response:
    """Werkzeug's errors in the same shape as ours, without a page that quotes what came in."""
    code = (error.name or "error").casefold().replace(" ", "_")
    return plain_error(error.code or 500, code, error.name or "error", _telling_headers(error))


def _telling_headers(error: HTTPException) -> list[tuple[str, str]]:
    """What the error says beside its body: Allow, Retry-After …"""
    return [(name, value) for name, value in error.get_headers() if name.casefold() != "content-type"]
