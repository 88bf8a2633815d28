"""Whatever another system can ask, a rule can: a rule for each cell that says yes in our comparison of them."""

from __future__ import annotations

import pytest

from engine.rules.conditions.base import CONDITIONS
from engine.rules.loader import examine

HEAD = """shop: {free_shipping_from: 50, office_hours: mon-fri 09:00-17:00, time_zone: Europe/Amsterdam}
rules:
  - name: like-theirs
    then: [invite: Can I help?]
    when:
"""

CAN: dict[tuple[str, str], str] = {
    ("Time on page", "Chatwoot"): "on_page: {url: /pricing, for: 30s, counting: elapsed}",
    ("Time on page", "Libredesk: active seconds"): "on_page: {url: /pricing, for: 30s}",
    ("Time on page", "LiveChat: 0-900 s"): "on_page: {for: 900s, counting: elapsed, across: page}",
    ("Time on page", "Zendesk: still on page"): "on_page: {url: /pricing, for: 1s, counting: visible}",
    ("Time on page", "Tidio"): "on_page: {type: product, for: 20s}",
    ("Time on page", "Crisp: delay and page"): 'on_page: {url: "/p/*", for: 20s}',
    ("Time on page", "Smartsupp: page_unchanged"): "on_page: {for: 20s, across: page}",
    ("Time on site", "Live Helper Chat"): "time_on_site: 2m",
    ("Time on site", "Rocket.Chat"): "time_on_site: {for: 2m, counting: elapsed}",
    ("Time on site", "LiveChat"): "time_on_site: 10m",
    ("Time on site", "Zendesk"): "time_on_site: 45s",
    ("Time on site", "Tidio"): "time_on_site: {for: 30s, counting: elapsed}",
    ("Time on site", "Crisp"): "time_on_site: 30s",
    ("Time on site", "Smartsupp: page_load delay"): "time_on_site: {for: 5s, counting: elapsed}",
    ("URL", "Live Helper Chat: trailing *"): 'on_page: {url: "/help/*"}',
    ("URL", "Chatwoot: URLPattern"): 'on_page: {url: "/*/products/*"}',
    ("URL", "Rocket.Chat: regex"): 'happened: {event: page_viewed, where: {page.url: "~ /products/[0-9]+$"}}',
    ("URL", "Libredesk: include"): 'on_page: {url: ["/a/*", "/b/*"]}',
    ("URL", "Libredesk: exclude"): 'all: [{on_page: {url: "/a/*"}}, {not: {on_page: {url: "/a/no/*"}}}]',
    ("URL", "LiveChat: contains"): 'on_page: {url: "*ink*"}',
    ("URL", "Zendesk: regex"): 'happened: {event: page_viewed, where: {page.url: "~ ^https://.*/cart"}, within: 10s}',
    ("URL", "Tidio"): "on_page: {url: /pricing}",
    ("URL", "Crisp: wildcard"): 'on_page: {url: "https://shop.example/*"}',
    ("URL", "Smartsupp: regex"): 'happened: {event: page_viewed, where: {page.url: "~ (faq|help)"}}',
    ("Funnel", "LiveChat: url_funnel"):
        "sequence: [{event: page_viewed, where: {page.url: '*/a'}}, {event: page_viewed, where: {page.url: '*/b'}}]",
    ("Funnel", "LiveChat: url_visited"): 'seen_page: {url: "/returns/*"}',
    ("Funnel", "LiveChat: views of matching pages"): 'seen_page: {url: "/p/*", at_least: 4}',
    ("Pages viewed", "Live Helper Chat"): 'pages_viewed: ">= 3"',
    ("Pages viewed", "LiveChat"): 'pages_viewed: {count: ">= 3", across: visits}',
    ("Returning", "Live Helper Chat: days since visit"): 'days_since_visit: ">= 7"',
    ("Returning", "Chatwoot: only contacts with no conversation"): "not: chatted",
    ("Returning", "Libredesk: visitor or user"): "identified",
    ("Returning", "LiveChat"): "returning: true",
    ("Returning", "Zendesk: visits"): 'visits: ">= 2"',
    ("Returning", "Zendesk: past chats"): "happened: {event: chat_started, at_least: 2}",
    ("Returning", "Tidio"): "returning: false",
    ("Returning", "Smartsupp"): "returning: true",
    ("Cart", "Tidio: Shopify"): 'cart: {total: ">= 50", contains: {product: 4711}}',
    ("Cart", "Dynamics 365: item count"): 'cart: {items: ">= 3"}',
    ("Cart", "Dynamics 365: total"): 'cart: {total: ">= 100"}',
    ("Cart", "Live Helper Chat: a variable"): 'attribute: {name: cart_total, is: ">= 50"}',
    ("Referrer", "Live Helper Chat: domain"): "referrer: google.com",
    ("Referrer", "LiveChat: referrer"): 'referrer: "*.google.*"',
    ("Referrer", "LiveChat: search"): 'search_term: "*ink*"',
    ("Referrer", "LiveChat: ads"): "ad_click",
    ("Referrer", "Zendesk: referrer"): 'referrer: "~ ^(www[.])?bing"',
    ("Referrer", "Zendesk: search term"): "search_term: ink",
    ("Referrer", "Crisp: URL parameter"): "utm: {campaign: spring}",
    ("Referrer", "Chaport: five UTM fields"): "utm: {source: a, medium: b, campaign: c, content: d, term: e}",
    ("Referrer", "Smartsupp"): "referrer: direct",
    ("Device", "Live Helper Chat"): "device: [mobile, tablet]",
    ("Device", "Libredesk"): "device: desktop",
    ("Device", "Zendesk: platform"): "device: mobile",
    ("Device", "Tidio"): "device: mobile",
    ("Device", "Crisp"): "device: tablet",
    ("Geo", "LiveChat"): "country: NL",
    ("Geo", "Zendesk: down to the city"): "attribute: {name: city, is: Utrecht}",
    ("Geo", "Tidio"): "country: [NL, BE, NO]",
    ("Language", "Live Helper Chat"): "language: nl",
    ("Language", "Tidio"): "language: [nl, en]",
    ("Agents", "Live Helper Chat: named operators"): "agents: {are: online, department: anna}",
    ("Agents", "Chatwoot: hours only"): "office_hours: open",
    ("Agents", "Libredesk: out of hours"): "office_hours: closed",
    ("Agents", "Zendesk: department"): "agents: {are: online, department: sales}",
    ("Agents", "Tidio"): "agents: offline",
    ("Agents", "Smartsupp"): "agents: online",
    ("Queue", "Live Helper Chat: pending cap"): 'queue: "< 5"',
    ("Queue", "Zendesk: queue size"): 'queue: "<= 2"',
    ("Queue", "Smartsupp: agent_busy"): "agents: free",
    ("Exit intent", "Live Helper Chat"): "exit_intent: mouse",
    ("Exit intent", "LiveChat"): "exit_intent",
    ("Exit intent", "Tidio: after 5 s"): "all: [exit_intent, {time_on_site: 5s}]",
    ("Exit intent", "Crisp"): "exit_intent: {within: 10s}",
    ("Idle", "Live Helper Chat"): "idle: 60s",
    ("Scroll", "Tidio"): "scrolled: 50%",
    ("Form abandoned", "Tidio"): "form_abandoned: contact",
    ("Custom event", "Live Helper Chat: min N in M s"): "happened: {event: video_played, at_least: 3, within: 60s}",
    ("Custom event", "Libredesk"): "happened: plan_compared",
    ("Custom event", "Tidio"): "happened: {event: plan_compared, where: {plan: pro}}",
    ("Custom event", "Crisp"): "happened: plan_compared",
    ("Attributes", "Live Helper Chat: operators"): 'attribute: {name: age, is: ["< 18", "> 65", "*x*", "~ ^a"]}',
    ("Attributes", "Libredesk: AND, OR"):
        "any: [{attribute: {name: a, is: 1}}, {all: [{attribute: {name: b, is: 2}}, {attribute: {name: c, is: 3}}]}]",
    ("Attributes", "LiveChat: equality"): "attribute: {name: plan, is: pro}",
    ("Attributes", "Zendesk: tags"): "tag: vip",
    ("Attributes", "Tidio"): "attribute: {name: plan, is: [pro, team]}",
    ("Attributes", "Crisp"): 'attribute: {name: plan, is: "*"}',
    ("Clock", "Live Helper Chat"): "local_time: {between: 09:00-17:00, clock: shop}",
    ("Clock", "Chatwoot: business hours"): "office_hours: open",
    ("Clock", "Libredesk: business hours"): "office_hours: closed",
    ("Clock", "LiveChat: dates"): "dates: {from: 2026-12-01, until: 2026-12-24}",
    ("Clock", "Zendesk: whole hours"): "local_time: 14:00-15:00",
    ("Clock", "Tidio"): "weekday: mon-fri",
    ("Logic", "Live Helper Chat: AND"): "all: [{device: mobile}, {returning: true}]",
    ("Logic", "Libredesk: OR"): "any: [{device: mobile}, {returning: true}]",
    ("Logic", "LiveChat: ten together"):
        "all: [chatting, chatted, invited, accepted, dismissed, emailed, clicked, cart, identified, can_email]",
    ("Logic", "Zendesk: any"): "any: [{not: chatting}, {all: [chatted, {not: invited}]}]",
    ("Logic", "Crisp: combine"): "all: [{scrolled: 50%}, {device: mobile}]",
    ("Logic", "Smartsupp: any"): "any: [{queue: 0}, {agents: free}]",
    ("Logic", "Tidio: graph"): "any: [{all: [cart, {returning: true}]}, {not: identified}]",
    ("Also", "JivoChat: since window closed"): "dismissed: {ago: 1h}",
    ("Also", "JivoChat: since last invitation"): "invited: {ago: 1h}",
    ("Also", "Chaskiq: segments"): "segment: customers",
    # --- mails and carts
    ("Left", "CartFlows: checkout and 15 min"): "cart_abandoned: {after: 15m, at: checkout}",
    ("Left", "Tyche: 10 min"): "cart_abandoned: 10m",
    ("Left", "Shopify: browse"): "cart_abandoned: {after: 10h, at: browse}",
    ("Left", "Shopify: cart"): "cart_abandoned: {after: 10h, at: cart}",
    ("Left", "Shopify: no order since"): "not_happened: {event: order_placed, since: cart_updated, for: 10h}",
    ("Left", "Shopify: days since the last mail"): "not: {emailed: {within: 7d}}",
    ("Left", "Klaviyo: no order since flow start"): "not: {ordered: {within: 4h}}",
    ("Left", "Omnisend: product"): "not_happened: {event: cart_updated, since: product_viewed, for: 1h}",
    ("Left", "Dodo Payments: payment_failed"): "left_because: payment_failed",
    ("Left", "WooCommerce: unpaid order"): "cart_abandoned: {after: 1h, at: unpaid_order}",
    ("Products", "Klaviyo: price drop"): "price_dropped: {share: 10%}",
    ("Products", "Klaviyo: back in stock"): "back_in_stock",
    ("Products", "nobody: low stock"): 'stock: "1..3"',
    ("Products", "nobody: low stock of what is on the page"): 'stock: {left: "1..3", of: page}',
    ("Journey", "nobody: stages"): "stage: [delivery, returns]",
    ("Products", "nobody: gap to free shipping"): 'gap_to_free_shipping: "<= 15"',
}  # fmt: skip


@pytest.mark.parametrize("theirs", CAN, ids=" ".join)
def test_what_they_can_ask_can_be_asked_here(theirs: tuple[str, str]) -> None:
    found = examine(f"{HEAD}      - {CAN[theirs]}\n")
    assert not found.problems
    assert found.rule_set is not None


def test_every_system_named_beside_a_condition_is_named_with_what_it_calls_it() -> None:
    for cls in CONDITIONS.values():
        assert all(peer and called for peer, called in cls.peers.items())


CATALOGUE = """
on_page seen_page pages_viewed time_on_site idle exit_intent scrolled typed_unsent form_abandoned search_failed
back_and_forth happened not_happened sequence cart cart_abandoned unexpected_shipping shipping gap_to_free_shipping
coupon_failed payment_failed left_because stock back_in_stock price_dropped wish_listed ordered orders delivered
returned unpaid_order returning visits days_since_visit identified logged_in loyalty country language device referrer
utm ad_click search_term landing_page attribute tag segment can_email chatting chatted invited accepted dismissed
emailed opened clicked stage agents queue office_hours local_time weekday dates all any not
"""


def test_the_catalogue_is_complete() -> None:
    assert sorted(CONDITIONS) == sorted(CATALOGUE.split())
