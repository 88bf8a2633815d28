"""What happens is delivered: without preflights, once, in order, through refusals, navigations and closed tabs."""

import re
import threading

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.parts import DEADLINE_S
from tests.snippet.far_side import GRANTED, Answer, FarSide, Json
from tests.snippet.far_side import Page as ShopPage
from tests.snippet.still import everything_was_tried, outbox_is_empty, stop_the_clock

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"


def track(page: Page, count: int, size: int = 10) -> None:
    """So many events, each with so many characters of its own."""
    page.evaluate(
        "([n, s]) => { for (let i = 0; i < n; i++) shopbell('track', 'thing_done', {i, x: 'x'.repeat(s)}) }",
        [count, size],
    )


def done(far: FarSide) -> list[int]:
    """The numbers of the events that arrived, each once."""
    return [event["i"] for event in far.events("thing_done")]


def test_a_batch_says_whose_events_it_carries(page: Page, far: FarSide) -> None:
    page.goto(far.origin + "/help/ink?colour=blue#secret")
    far.wait_for_event("page_viewed")
    body = far.bodies[0]
    assert body["key"] == "pk_test"
    assert all(re.match(UUID, body[name]) for name in ("visitor", "session", "tab"))
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", body["sent_at"])
    viewed: Json = body["events"][0]
    assert re.match(UUID, viewed["id"])
    assert (viewed["type"], viewed["seq"], viewed["engaged_ms"]) == ("page_viewed", 1, viewed["engaged_ms"])
    assert viewed["page"] == {"url": far.origin + "/help/ink?colour=blue", "title": "Ink", "language": "nl"}


def test_no_preflight_is_ever_needed_even_from_another_origin(page: Page, far: FarSide) -> None:
    elsewhere = far.origin.replace("127.0.0.1", "localhost")
    tag = f'<script async src="/shopbell.js" data-key="pk_test" data-endpoint="{elsewhere}/"></script>'
    far.default = ShopPage(head=GRANTED, tag=tag)
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.goto(far.origin + "/next")
    far.wait_for_event("page_hidden")
    assert "OPTIONS" not in {method for method, _ in far.methods}
    assert {headers["Content-Type"] for headers in far.headers} == {"text/plain;charset=UTF-8"}


def test_ids_last_over_pages_and_tabs_have_their_own(context: BrowserContext, page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.goto(far.origin + "/next")
    far.wait_for_event("page_viewed", times=2)
    with context.expect_page() as opened:
        page.evaluate("() => { window.open('/opened') }")
    opened.value.wait_for_load_state()
    far.wait_for_event("page_viewed", times=3)
    outbox_is_empty(page)
    assert len({body["visitor"] for body in far.bodies}) == 1
    assert len({body["session"] for body in far.bodies}) == 1
    assert len({body["tab"] for body in far.bodies}) == 2
    first = far.bodies[0]["tab"]
    numbers = [event["seq"] for body in far.bodies if body["tab"] == first for event in body["events"]]
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
    cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    assert cookies["shopbell_visitor"] == far.bodies[0]["visitor"]


def test_half_an_hour_of_silence_starts_a_new_session(page: Page, far: FarSide) -> None:
    stop_the_clock(page)
    page.goto(far.origin)
    page.clock.run_for(1000)
    far.wait_for_event("page_viewed")
    page.clock.run_for(29 * 60_000)
    track(page, 1)
    page.clock.run_for(1000)
    far.wait_for_event("thing_done")
    page.clock.run_for(31 * 60_000)
    track(page, 1)
    page.clock.run_for(1000)
    far.wait_for_event("thing_done", times=2)
    sessions = [body["session"] for body in far.bodies]
    assert sessions[0] == sessions[-2] != sessions[-1]


@pytest.mark.parametrize("refusal", [Answer(503), Answer(429), Answer(500), Answer(404), Answer(0), Answer(200)])
def test_what_was_not_accepted_is_sent_again_on_the_next_page(page: Page, far: FarSide, refusal: Answer) -> None:
    far.respond = lambda _body: refusal
    page.goto(far.origin)
    far.wait_for(lambda far: far.bodies)
    track(page, 5)
    page.goto(far.origin + "/next")
    far.wait_for(lambda far: len(far.bodies) > 2)
    far.respond = lambda _body: Answer()
    page.goto(far.origin + "/last")
    outbox_is_empty(page)
    assert done(far) == [0, 1, 2, 3, 4]
    accepted = [event["seq"] for event in far.events()]
    assert sorted(accepted) == list(range(1, len(accepted) + 1))


def test_the_server_s_wish_for_rest_is_kept(page: Page, far: FarSide) -> None:
    stop_the_clock(page)
    far.answers = [Answer(503, headers={"Retry-After": "20"})]
    page.goto(far.origin)
    page.clock.run_for(1000)
    page.wait_for_function("() => localStorage['shopbell:r']")
    track(page, 1)
    page.clock.run_for(18_000)
    everything_was_tried(page)
    assert len(far.bodies) == 1
    page.clock.run_for(8000)
    far.wait_for_event("thing_done")
    assert [event["type"] for event in far.bodies[1]["events"]] == ["page_viewed", "consent_changed", "thing_done"]


def test_without_a_wish_the_pauses_grow(page: Page, far: FarSide) -> None:
    stop_the_clock(page)
    far.respond = lambda _body: Answer(503)
    page.goto(far.origin)
    for tries, (too_soon, enough) in enumerate([(10, 200), (900, 400), (1900, 700), (3900, 1200)], start=1):
        page.clock.run_for(too_soon)
        everything_was_tried(page)
        assert len(far.bodies) == tries - 1
        page.clock.run_for(enough)
        everything_was_tried(page)
        assert len(far.bodies) == tries


@pytest.mark.parametrize("status", [400, 401, 403, 413, 415])
def test_what_can_never_succeed_is_dropped_and_told(page: Page, far: FarSide, status: int) -> None:
    far.answers = [Answer(status)]
    far.pages["/"] = ShopPage(head=GRANTED + "shopbell('on', 'error', (error) => { window.refused = error });")
    page.goto(far.origin)
    page.wait_for_function("() => window.refused")
    assert page.evaluate("() => [refused.code, refused.status]") == ["refused", status]
    track(page, 1)
    far.wait_for_event("thing_done")
    assert [event["type"] for event in far.bodies[-1]["events"]] == ["thing_done"]


def test_a_backlog_larger_than_one_body_arrives_whole_and_in_order(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    track(page, 40, size=3000)
    far.wait_for(lambda far: len(done(far)) == 40)
    assert done(far) == list(range(40))
    assert all(int(headers["Content-Length"]) < 60_000 for headers in far.headers)
    assert all(len(body["events"]) <= 50 for body in far.bodies)


def test_leaving_sends_what_fits_and_keeps_the_rest_for_the_next_page(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    outbox_is_empty(page)
    page.evaluate(
        "() => { for (let i = 0; i < 40; i++) shopbell('track', 'thing_done', {i, x: 'é'.repeat(1500)});"
        "location.href = '/next' }"
    )
    page.wait_for_url("**/next")
    far.wait_for(lambda far: len(done(far)) == 40)
    assert sorted(done(far)) == list(range(40))
    outbox_is_empty(page)


def test_closing_the_tab_sends_the_last_events(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    page.evaluate("shopbell('track', 'thing_done', {i: 7})")
    page.close(run_before_unload=True)
    # In one beacon, or the first by itself just before: then either may be the first to arrive.
    far.wait_for(lambda far: done(far) and far.events("page_hidden"))
    assert done(far) == [7]


# As a tab leaves it that crashed a minute ago.
ORPHAN = """() => {
  const owner = '{"key":"pk_test","visitor":"v","session":"s","tab":"dead"';
  const event = '{"id":"x","type":"thing_done","i":3,"seq":9}';
  localStorage['shopbell:o|dead|0000009|' + (Date.now() - 60000)] = owner + '\\n' + event;
}"""


# Whether a tab stands behind another for its turn to send.
WAITS_IN_LINE = "async () => (await navigator.locks.query()).pending.some((lock) => lock.name == 'shopbell')"
# Then the script waits for an answer as long as it takes, where otherwise it would lose patience.
PATIENT = "AbortSignal.timeout = undefined"


def orphans(far: FarSide) -> list[str]:
    """The tabs in whose name the left event was sent, once for each time."""
    return [body["tab"] for body in far.bodies if any(event["id"] == "x" for event in body["events"])]


def test_another_tab_delivers_what_a_crashed_one_left(context: BrowserContext, page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    outbox_is_empty(page)
    page.evaluate(ORPHAN)
    other = context.new_page()
    other.goto(far.origin)
    far.wait_for_event("thing_done")
    outbox_is_empty(other)
    assert orphans(far) == ["dead"]


def test_tabs_wait_for_each_other_before_they_send(context: BrowserContext, page: Page, far: FarSide) -> None:
    context.add_init_script(PATIENT)
    page.goto(far.origin)
    far.wait_for_event("page_viewed")
    outbox_is_empty(page)
    gate = threading.Event()

    def respond(_body: Json) -> Answer:
        gate.wait(DEADLINE_S)
        return Answer()

    far.respond = respond
    page.evaluate(ORPHAN)
    track(page, 1)
    far.wait_for(lambda far: len(far.bodies) == 2)
    other = context.new_page()
    other.goto(far.origin + "/other")
    other.wait_for_function(WAITS_IN_LINE)
    gate.set()
    far.wait_for_event("page_viewed", times=2)
    outbox_is_empty(other)
    assert orphans(far) == ["dead"]


def test_tabs_that_send_at_the_same_time_send_each_event_once(
    context: BrowserContext, page: Page, far: FarSide
) -> None:
    other = context.new_page()
    for tab in (page, other):
        tab.goto(far.origin)
    far.wait_for_event("page_viewed", times=2)
    for _ in range(5):
        track(page, 3)
        track(other, 3)
    far.wait_for(lambda far: len(far.events("thing_done")) == 30)
    outbox_is_empty(page)
    sent = [event["id"] for body in far.bodies for event in body["events"] if event["type"] == "thing_done"]
    assert len(sent) == 30


def test_an_event_too_large_for_any_body_is_told_and_stops_nothing(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    page.evaluate("shopbell('on', 'error', (error) => { window.told = error.code })")
    track(page, 1, size=70_000)
    page.wait_for_function("() => window.told == 'too_large'")
    page.evaluate("shopbell('track', 'cart_viewed')")
    far.wait_for_event("cart_viewed")


def test_the_drawer_hears_what_left_and_what_came_back(page: Page, far: FarSide) -> None:
    far.respond = lambda _body: Answer(body={"accepted": 2})
    listen = (
        "shopbell('on', 'sent', (body) => { window.sent = body });"
        "shopbell('on', 'answer', (answer) => { window.answer = answer });"
    )
    far.pages["/"] = ShopPage(head=listen + GRANTED)
    page.goto(far.origin)
    page.wait_for_function("() => window.answer")
    assert page.evaluate("() => sent.events[0].type") == "page_viewed"
    assert page.evaluate("() => answer.accepted") == 2


def test_a_shopper_who_is_named_gives_a_contact(page: Page, far: FarSide) -> None:
    page.goto(far.origin)
    page.evaluate(
        "shopbell('identify', {email: 'sanne@example.nl',consent: {email: true, text: 'Mail mij', source: 'checkout'}})"
    )
    given = far.wait_for_event("contact_given")
    assert given["email"] == "sanne@example.nl"
    assert given["consent"]["email"] is True
    expect(page).to_have_title("Ink")
