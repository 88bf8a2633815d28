"""What counts as a page: loads, single-page navigation, the back/forward cache; and what does not."""

from playwright.sync_api import Page

from tests.snippet.attention import look_away, look_back
from tests.snippet.far_side import GRANTED, FarSide
from tests.snippet.far_side import Page as ShopPage
from tests.snippet.still import everything_was_tried


def paths(far: FarSide) -> list[str]:
    """Where the views were, in order."""
    return [event["page"]["url"].removeprefix(far.origin) for event in far.events("page_viewed")]


def test_each_path_of_a_single_page_shop_is_a_view(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("history.pushState({}, '', '/pens')")
    far.wait_for_event("page_viewed", times=2)
    page.evaluate("history.replaceState({}, '', '/pens/blue')")
    far.wait_for_event("page_viewed", times=3)
    page.evaluate("history.back()")
    last = far.wait_for_event("page_viewed", times=4)
    assert paths(far) == ["/", "/pens", "/pens/blue", "/"]
    assert last["page"]["referrer"] == far.origin + "/pens/blue"


def test_the_same_path_again_is_not_a_view(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("history.replaceState({a: 1}, '', '/?sort=price'); history.pushState({}, '', '/?page=2')")
    page.evaluate("shopbell('track', 'searched', {results: 3})")
    searched = far.wait_for_event("searched")
    assert paths(far) == ["/"]
    assert searched["page"]["url"] == far.origin + "/?page=2"


def test_quick_navigation_loses_no_view_and_no_address(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("history.pushState({}, '', '/a'); history.pushState({}, '', '/b'); history.pushState({}, '', '/c')")
    far.wait_for_event("page_viewed", times=4)
    assert paths(far) == ["/", "/a", "/b", "/c"]


def test_the_shop_s_history_works_as_before(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    assert page.evaluate("history.pushState({a: 1}, '', '/a')") is None
    assert page.evaluate("history.state") == {"a": 1}
    assert page.evaluate("try { history.pushState(() => 1, '') } catch (error) { error.name }") == "DataCloneError"
    assert page.evaluate("try { history.pushState({}, '', 'https://elsewhere.example/') } catch (e) { e.name }") == (
        "SecurityError"
    )


def test_what_the_shop_says_of_a_page_goes_with_its_view(page: Page, far: FarSide) -> None:
    head = GRANTED + "shopbell('page', {type: 'knowledge_base', language: 'en'});"
    far.pages["/"] = ShopPage(head=head, body="<script>shopbell('page', {title: 'Help with ink'})</script>")
    page.goto(far.origin)
    first = far.wait_for_event("page_viewed")["page"]
    assert (first["type"], first["language"], first["title"]) == ("knowledge_base", "en", "Help with ink")
    page.evaluate("history.pushState({}, '', '/pens'); shopbell('page', {type: 'category'})")
    second = far.wait_for_event("page_viewed", times=2)["page"]
    assert (second["type"], second["language"]) == ("category", "nl")


def test_what_the_shop_says_late_is_told_at_once(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("shopbell('page', {type: 'faq'})")
    assert far.wait_for_event("checked_in")["page"]["type"] == "faq"
    assert len(far.events("page_viewed")) == 1


def test_looking_away_and_back_is_told(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    look_away(page)
    far.wait_for_event("page_hidden")
    look_back(page)
    far.wait_for_event("page_shown")
    assert far.types().count("page_hidden") == 1


def test_a_page_out_of_the_back_forward_cache_is_viewed_again(page: Page, far: FarSide) -> None:
    page.add_init_script("addEventListener('pageshow', (e) => { window.cached = e.persisted && performance.now() })")
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("window.mark = 1")
    page.wait_for_function("() => performance.now() > 2000")
    everything_was_tried(page)  # a page that holds a lock is not kept
    page.goto(far.origin + "/next")
    far.wait_for_event("page_viewed", times=2)
    page.go_back(wait_until="commit")
    last = far.wait_for_event("page_viewed", times=3)
    assert page.evaluate("window.mark") == 1
    assert last["engaged_ms"] <= page.evaluate("performance.now() - window.cached")
    assert paths(far) == ["/", "/next", "/"]
    assert "page_shown" not in far.types()
    numbers = {event["id"]: (body["tab"], event["seq"]) for body in far.bodies for event in body["events"]}
    assert len(numbers) == len(set(numbers.values()))


def test_a_page_that_is_only_prepared_waits_for_its_reader(page: Page, far: FarSide) -> None:
    page.add_init_script("Object.defineProperty(document, 'prerendering', {value: true, configurable: true})")
    page.goto(far.origin, wait_until="load")
    assert page.evaluate("[window.shopbell.live, localStorage.length]") == [None, 0]
    page.evaluate("delete document.prerendering; document.dispatchEvent(new Event('prerenderingchange'))")
    far.wait_for_event("page_viewed")


def test_two_tags_on_one_page_count_once(page: Page, far: FarSide) -> None:
    tag = '<script src="/shopbell.js" data-key="pk_test"></script>'
    far.pages["/"] = ShopPage(head=GRANTED, tag=tag + tag)
    page.goto(far.origin)
    page.evaluate("shopbell('track', 'cart_viewed')")
    far.wait_for_event("cart_viewed")
    assert paths(far) == ["/"]
    assert far.types().count("cart_viewed") == 1


def test_neither_unload_nor_beforeunload_is_listened_to(page: Page, far: FarSide) -> None:
    page.add_init_script(
        "window.heard = []; const add = EventTarget.prototype.addEventListener;"
        "EventTarget.prototype.addEventListener ="
        "function (name) { heard.push(name); return add.apply(this, arguments) }"
    )
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    heard = set(page.evaluate("heard"))
    assert "pagehide" in heard
    assert not heard & {"unload", "beforeunload"}


def test_leaving_over_the_top_is_told_once_a_page(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    over_the_top = "document.dispatchEvent(new MouseEvent('mouseout', {clientY: -1}))"
    page.evaluate("document.dispatchEvent(new MouseEvent('mouseout', {clientY: 300}))")
    page.evaluate(over_the_top)
    page.evaluate(over_the_top)
    page.evaluate("history.pushState({}, '', '/next')")
    page.evaluate(over_the_top)
    far.wait_for_event("exit_intended", times=2)
    told = [event["page"]["url"].removeprefix(far.origin) for event in far.events("exit_intended")]
    assert told == ["/", "/next"]


def test_how_far_somebody_read_is_told_in_quarters(page: Page, far: FarSide) -> None:
    far.pages["/"] = ShopPage(head=GRANTED, body='<div style="height:5000px">Long</div>')
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    for top in (1500, 600, 9999):
        page.evaluate(
            "(top) => new Promise((done) => { addEventListener('scroll', done, {once: true}); scrollTo(0, top) })", top
        )
    far.wait_for_event("scrolled", times=2)
    assert [event["depth"] for event in far.events("scrolled")] == [25, 100]
