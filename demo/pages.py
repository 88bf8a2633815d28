"""The pages a shopper walks through before paying, and the switch behind the counter."""

from __future__ import annotations

import msgspec
from flask import Blueprint, abort, g, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response

from demo import forms, wire
from demo import visit as visits
from demo.articles import ARTICLES
from demo.catalogue import CATEGORIES, PRODUCTS, Language, companions, in_category
from demo.shop import Shop, addresses, known_language, preferred_language
from demo.texts import translator
from demo.visit import Visit

LONGEST_MERGE = 64 * 1024


class SavedLine(msgspec.Struct):
    quantity: int
    product_id: str = ""
    id: str = ""


class SavedCart(msgspec.Struct):
    """What a restore link brings back; anything else in it is not our business."""

    lines: list[SavedLine]


def add_pages(blueprint: Blueprint, shop: Shop) -> None:
    _add_entrances(blueprint)
    _add_shelves(blueprint, shop)
    _add_reading(blueprint, shop)
    _add_cart(blueprint, shop)
    _add_counter(blueprint, shop)


def _add_entrances(blueprint: Blueprint) -> None:
    @blueprint.get("/")
    def entrance() -> Response:
        return redirect(_with_query(url_for("demo.home", language=preferred_language())))

    @blueprint.get("/cart")
    def any_cart() -> Response:
        """The cart's address without a language, for links in mails; keeps the restore token in the address."""
        return redirect(_with_query(url_for("demo.cart", language=preferred_language())))


def _with_query(url: str) -> str:
    """The same question marks again: `?speed=60`, or the token of a restore link."""
    query = request.query_string.decode("ascii", "ignore")
    return f"{url}?{query}" if query else url


def _add_shelves(blueprint: Blueprint, shop: Shop) -> None:
    @blueprint.get("/<language>/")
    def home(language: str) -> Response:
        ours = known_language(language)
        return shop.page("home.html", ours, "home", translator(ours)("hero_title"))

    @blueprint.get("/<language>/category/<slug>")
    def category(language: str, slug: str) -> Response:
        ours = known_language(language)
        shelf = CATEGORIES.get(slug)
        if shelf is None:
            return _lost(shop, ours)
        name = shelf.name.to(ours)
        return shop.page("category.html", ours, "category", name, category=shelf, shelf=in_category(slug))

    @blueprint.get("/<language>/product/<slug>")
    def product(language: str, slug: str) -> Response:
        ours = known_language(language)
        item = PRODUCTS.get(slug)
        if item is None:
            return _lost(shop, ours)
        return shop.page(
            "product.html",
            ours,
            "product",
            item.name.to(ours),
            tell={"product": wire.product_body(item, ours, addresses(ours))},
            product=item,
            most=visits.most(item),
            category=CATEGORIES[item.category],
            companions=companions(item),
            article=ARTICLES.get(item.help),
        )


def _add_reading(blueprint: Blueprint, shop: Shop) -> None:
    @blueprint.get("/<language>/help/")
    def help_index(language: str) -> Response:
        ours = known_language(language)
        return shop.page("help.html", ours, "knowledge_base", translator(ours)("help"))

    @blueprint.get("/<language>/help/<slug>")
    def article(language: str, slug: str) -> Response:
        ours = known_language(language)
        found = ARTICLES.get(slug)
        if found is None:
            return _lost(shop, ours)
        others = [other for other in ARTICLES.values() if other is not found][:3]
        return shop.page("article.html", ours, "knowledge_base", found.title.to(ours), article=found, others=others)

    @blueprint.get("/<language>/returns")
    def returns(language: str) -> Response:
        ours = known_language(language)
        return shop.page("returns.html", ours, "returns", translator(ours)("returns"))

    @blueprint.get("/<language>/about")
    def about(language: str) -> Response:
        ours = known_language(language)
        return shop.page("about.html", ours, "other", translator(ours)("about"))

    @blueprint.get("/<path:anything>")
    def nowhere(anything: str) -> Response:
        del anything
        return _lost(shop, "en" if request.path.startswith("/demo/en/") else "nl")


def _lost(shop: Shop, language: Language) -> Response:
    return shop.page("lost.html", language, "other", translator(language)("not_found_title"), status=404)


def _add_cart(blueprint: Blueprint, shop: Shop) -> None:
    @blueprint.get("/<language>/cart")
    def cart(language: str) -> Response:
        ours = known_language(language)
        visit: Visit = g.visit
        notes, visit.notes = visit.notes, []
        return shop.page("cart.html", ours, "cart", translator(ours)("cart"), notes=notes, most=visits.most)

    @blueprint.post("/<language>/cart/add")
    def add(language: str) -> Response:
        slug = request.form.get("product", "")
        if slug not in PRODUCTS:
            abort(404)
        more = forms.read_quantity(request.form.get("quantity", "1"))
        visits.put(g.visit, slug, g.visit.cart.get(slug, 0) + more)
        return redirect(url_for("demo.cart", language=known_language(language)), 303)

    @blueprint.post("/<language>/cart/change")
    def change(language: str) -> Response:
        slug = request.form.get("product", "")
        if slug not in PRODUCTS:
            abort(404)
        visits.put(g.visit, slug, forms.read_quantity(request.form.get("quantity", "")))
        return redirect(url_for("demo.cart", language=known_language(language)), 303)

    @blueprint.post("/<language>/cart/clear")
    def clear(language: str) -> Response:
        g.visit.cart = {}
        return redirect(url_for("demo.cart", language=known_language(language)), 303)

    @blueprint.post("/<language>/cart/merge")
    def merge(language: str) -> Response:
        """A restore link was followed: `{"lines": [{"product_id", "quantity"}]}` from the snippet, in JSON."""
        ours = known_language(language)
        g.visit.notes = _merge(g.visit, request.get_data(cache=False)[:LONGEST_MERGE], ours)
        return redirect(url_for("demo.cart", language=ours), 303)


def _merge(visit: Visit, body: bytes, language: Language) -> list[str]:
    try:
        saved = msgspec.json.decode(body, type=SavedCart)
    except msgspec.DecodeError:
        abort(400)
    lost = visits.merge(visit, {line.product_id or line.id: line.quantity for line in saved.lines})
    translate = translator(language)
    unknown = translate("something_unknown")
    names = [PRODUCTS[slug].name.to(language) if slug in PRODUCTS else unknown for slug in lost]
    missing = translate("restored_lost", names=", ".join(dict.fromkeys(names)))
    return [translate("restored"), *([missing] if names else [])]


def _add_counter(blueprint: Blueprint, shop: Shop) -> None:
    @blueprint.post("/counter")
    def counter() -> Response:
        shop.counter.switch(request.form.get("open") == "yes")
        if request.accept_mimetypes.best == "application/json":
            return jsonify({"open": shop.counter.open})
        return redirect(_back(request.form.get("next", "")), 303)


def _back(wanted: str) -> str:
    """Where the switch was pressed; only ever a page of this shop."""
    inside = wanted.startswith(("/demo/nl/", "/demo/en/")) and "\\" not in wanted and wanted.isprintable()
    return wanted if inside else url_for("demo.entrance")
