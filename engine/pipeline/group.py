"""One group commit in the making: load, apply, ask the rules, answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import structlog

from engine import identify, records
from engine.clock import Millis
from engine.decisions import Guard, Result
from engine.events import Event
from engine.messages import DeliveryState, first_state
from engine.pipeline.submissions import Answer, ShopRules, Submission
from engine.rules.evaluate import evaluate
from engine.rules.facts import Facts, House, Presence
from engine.stitch import Handover
from engine.store.books import Books
from engine.store.unit import LoadedVisitor, VisitorKey
from engine.visitors import apply

log = structlog.get_logger()

FAULT_RETRY: Millis = 3_600_000
"""A visitor whose evaluation failed is looked at again after an hour: a new release may know better."""
UP_TO_DATE_SOON: Millis = 5_000
"""Whoever was judged by a rule file that is not the latest is looked at again: by then every process has it."""


Keep = Callable[[Books, LoadedVisitor, Event], None]


class Group:
    """One group commit in the making. ``keep`` writes down what an event brings beyond the visitor's own state."""

    def __init__(self, unit: Books, clock_shift_ms: Millis = 0, keep: Keep = records.keep) -> None:
        self.unit = unit
        self.clock_shift_ms = clock_shift_ms
        self.keep = keep
        self.known: set[tuple[str, str, str]] = set()
        self.touched: dict[VisitorKey, ShopRules] = {}
        self.results: dict[VisitorKey, Result] = {}
        self.owed: dict[VisitorKey, list[str]] = {}
        """The deliveries that workers should hear about."""
        self.heard_of: set[VisitorKey] = set()
        self.owners: dict[tuple[str, str], str] = {}
        self.receivers: dict[tuple[str, str], str] = {}
        """For whom the mails were meant whose links were followed."""
        self.waiting: dict[str, list[str]] = {}

    # --- load ---------------------------------------------------------------------------------------------------------

    def load(self, submissions: list[Submission]) -> None:
        """Read every row that these submissions can touch: visitors, known event ids, persons."""
        by_shop: dict[str, list[Submission]] = {}
        for submission in submissions:
            by_shop.setdefault(submission.shop.id, []).append(submission)
        for shop, its_submissions in by_shop.items():
            self._load_shop(shop, its_submissions)

    def _load_shop(self, shop: str, submissions: list[Submission]) -> None:
        unit = self.unit
        events = [accepted.event for submission in submissions for accepted in submission.events]
        wanted = {event.visitor for event in events if event.visitor}.union(self.find_concerned(shop, events))
        for submission in submissions:
            wanted.update(submission.rechecks)
        for event in filter(is_stock_news, events):
            wanted.update(self._who_waits(shop, event))
        unit.load_visitors(shop, wanted)
        ids_by_visitor: dict[str, set[str]] = {}
        for event in events:
            ids_by_visitor.setdefault(event.visitor, set()).add(event.id)
        self.known |= {(shop, *pair) for pair in unit.known_events(shop, ids_by_visitor)}
        named = {identity for event in events for identity in identify.identities_of(shop, event)}
        if named:
            unit.load_identities(shop, named)
        people = {visitor.person for visitor in unit.visitors.values() if visitor.person and visitor.key.shop == shop}
        if people:
            unit.load_people(shop, people)
        unit.load_house(shop)

    def find_concerned(self, shop: str, events: Iterable[Event]) -> list[str]:
        """Look up whose the carts and the mails are of which these events speak; returns those visitors."""
        carts = {cart for event in events if event.cart or event.order for cart in _carts_in(event)}
        owners = self.unit.visitors_of_carts(shop, carts) if carts else {}
        self.owners.update({(shop, cart): visitor for cart, visitor in owners.items()})
        clicked = {event.message for event in events if event.type == "email_clicked" and event.message}
        receivers = self.unit.visitors_of_messages(shop, clicked) if clicked else {}
        self.receivers.update({(shop, message): visitor for message, visitor in receivers.items()})
        return [*owners.values(), *receivers.values()]

    def heed(self, shop: ShopRules, handover: Handover) -> None:
        """What was a stand-in's is somebody's: whoever stood in is looked at again, and owns no cart."""
        key = VisitorKey(shop.id, handover.stand_in)
        if self.unit.visitors[key].version:
            self.touched[key] = shop
        own = (name for name, who in self.owners.items() if (name[0], who) == key)
        self.owners.update(dict.fromkeys(list(own), handover.visitor))

    # --- apply --------------------------------------------------------------------------------------------------------

    def take_in(self, submission: Submission) -> Answer:
        """Apply the submission's events in order; a repeated id changes nothing."""
        answer = Answer(now=self.unit.now)
        shop = submission.shop
        for accepted in submission.events:
            event = self._on_our_clock(accepted.event)
            mark = (shop.id, event.visitor, event.id)
            if mark in self.known:
                answer.duplicates += 1
                continue
            self.known.add(mark)
            answer.accepted += 1
            fault = self.hear(shop, event)
            self.unit.add("events", records.event_row(shop.id, event, accepted.body, self.unit.now, fault))
        for visitor in submission.rechecks:
            key = VisitorKey(shop.id, visitor)
            if self.unit.visitors[key].version:
                self.touched[key] = shop
        if submission.answer_for is not None and (shop.id, submission.answer_for) not in self.unit.visitors:
            self.unit.load_visitors(shop.id, [submission.answer_for])
        return answer

    def hear(self, shop: ShopRules, event: Event) -> str | None:
        """Apply one event that was never heard before; returns the visitor's fault, if it has one."""
        fault = self._apply(shop, event) if event.visitor else None
        if not event.visitor:
            self._apply_to_house(shop.id, event)
        if is_stock_news(event):
            self._tell_waiting(shop, event)
        return fault

    def _on_our_clock(self, event: Event) -> Event:
        """An event's time was set by this host; the house lives by the database's clock."""
        if not self.clock_shift_ms and event.at <= self.unit.now:
            return event
        return msgspec.structs.replace(event, at=min(event.at + self.clock_shift_ms, self.unit.now))

    def _apply(self, shop: ShopRules, event: Event) -> str | None:
        """Change the visitor by the event; what breaks stays with this one visitor."""
        visitor = self.unit.visitors[VisitorKey(shop.id, event.visitor)]
        self.touched[visitor.key] = shop
        self.heard_of.add(visitor.key)
        try:
            self._change(shop, visitor, event)
        except Exception as error:  # noqa: BLE001 - isolation is the point: one visitor's fault is not its neighbours'
            self._isolate(visitor, error)
        return visitor.fault

    def _change(self, shop: ShopRules, visitor: LoadedVisitor, event: Event) -> None:
        event = self._with_own_cart(visitor, event)
        page = event.page
        page_type = shop.page_types.type_of(page.url, page.type) if page is not None else "other"
        person = identify.person_of(self.unit, visitor)
        known_here = event.order is not None and event.order.id in visitor.state.order_ids
        if person is not None:
            identify.share_profile(visitor.state, person.state)
        apply(visitor.state, event, page_type=page_type, watches=shop.rules.watches)
        known_to_person = identify.link(self.unit, visitor, event)
        person = identify.person_of(self.unit, visitor)
        if person is not None:
            identify.note(visitor, person, shop.rules.watched_of_person, trusted=event.trusted)
        self.keep(self.unit, visitor, event)
        if event.type in ("message_accepted", "message_dismissed"):
            house = self.unit.houses[shop.id]
            accepted_at = event.at if event.type == "message_accepted" else None
            house.changed |= house.state.hear_reply(event.message or "", accepted_at=accepted_at)
        if event.type in ("order_paid", "order_cancelled"):
            self._end_reminders_to_pay(shop, visitor)
        if event.order is not None and event.type == "order_placed":
            self._spread_order(shop, visitor, event, is_news=not (known_to_person if person else known_here))
        elif visitor.person and (event.type == "order_paid" or identify.allows_mail(person, event)):
            # A cart that was left on another device waited for nothing before; now it may be mailed about.
            self._wake_others(shop, visitor.person)
        elif event.type == "email_clicked":
            self._tell_receiver(shop, visitor, event)

    def _end_reminders_to_pay(self, shop: ShopRules, visitor: LoadedVisitor) -> None:
        """A mail that waits for its hour reminds nobody of a payment that was made, or is not wanted any more."""
        rules = [rule.name for rule in shop.rules.rules if "paid" in rule.until]
        if rules:
            self.unit.cancel_mails_of(shop.id, rules, visitor.key.id, visitor.person, Guard.UNTIL.value)

    def _with_own_cart(self, visitor: LoadedVisitor, event: Event) -> Event:
        """A browser that names another visitor's cart gets one of its own: the name alone proves nothing."""
        cart = event.cart
        if cart is None or cart.id is None or event.trusted:
            return event
        shop = visitor.key.shop
        owner = self.owners.get((shop, cart.id), visitor.key.id)
        if cart.lines:  # an empty cart is nobody's
            self.owners[shop, cart.id] = owner
        other = self.unit.visitors.get(VisitorKey(shop, owner))
        same_person = other is not None and other.person is not None and other.person == visitor.person
        if owner == visitor.key.id or same_person:
            return event
        return msgspec.structs.replace(event, cart=msgspec.structs.replace(cart, id=None))

    def _spread_order(self, shop: ShopRules, buyer: LoadedVisitor, event: Event, *, is_news: bool) -> None:
        """An order ends what is pending for the buyer on every device, and for whoever's cart it was.

        Told once more it ends nothing: what is owed by now was decided with it in mind, such as help with paying it.
        """
        unit, order = self.unit, event.order
        assert order is not None
        if is_news:
            unit.cancel_deliveries(shop.id, "bought", visitor=buyer.key.id, person=buyer.person)
        if buyer.person:
            self._wake_others(shop, buyer.person)
        owner = self.owners.get((shop.id, order.cart_id or ""))
        if event.trusted and owner is not None and owner != buyer.key.id:
            other = unit.visitors[VisitorKey(shop.id, owner)]
            self.touched[other.key] = shop
            if order.id not in other.state.order_ids:
                unit.cancel_deliveries(shop.id, "bought", visitor=owner, person=other.person)
            apply(
                other.state,
                msgspec.structs.replace(event, visitor=owner, trusted=True),
                page_type="other",
                watches=shop.rules.watches,
            )

    def _who_waits(self, shop: str, event: Event) -> list[str]:
        """To whom besides its own visitor the event is news: everybody who saw the product as it was."""
        if not is_stock_news(event):
            return []
        assert event.product is not None
        if event.id not in self.waiting:
            in_stock = bool(event.product.stock)
            self.waiting[event.id] = self.unit.who_waits(shop, event.product.names, in_stock=in_stock)
        return self.waiting[event.id]

    def _tell_waiting(self, shop: ShopRules, event: Event) -> None:
        assert event.product is not None
        for who in self._who_waits(shop.id, event):
            if who != event.visitor:
                self._apply(shop, msgspec.structs.replace(event, visitor=who))
        self.unit.tell_waiting(shop.id, event.product.names, in_stock=bool(event.product.stock))

    def _tell_receiver(self, shop: ShopRules, visitor: LoadedVisitor, event: Event) -> None:
        """A mail's link may be followed in another browser; only who was mailed could know its message."""
        receiver = self.receivers.get((shop.id, event.message or ""))
        if receiver is None or receiver == visitor.key.id:
            return
        click = Event(event.id, event.type, event.at, visitor=receiver, message=event.message, trusted=True)
        self._apply(shop, click)

    def _wake_others(self, shop: ShopRules, person: str) -> None:
        """Have the person's other devices looked at by what one of them brought."""
        self.unit.wake_visitors(shop.id, person)
        same = self.unit.visitors_of_person(shop.id, person)
        self.touched.update({visitor.key: shop for visitor in same})

    def _apply_to_house(self, shop: str, event: Event) -> None:
        """An event about the shop itself: how many agents are there."""
        loaded = self.unit.houses[shop]
        if event.agents is not None and event.trusted:
            agents = event.agents
            known = loaded.state.agents.get(agents.department)
            if known is None or known.at <= event.at:
                until = None if agents.valid_ms is None else event.at + agents.valid_ms
                presence = Presence(agents.online, agents.free, event.at, agents.waiting, until)
                loaded.state.report(agents.department, presence)
                loaded.changed = True

    def _isolate(self, visitor: LoadedVisitor, error: Exception) -> None:
        # The text of an error may quote what a shopper typed; its kind and place are enough to find it.
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else "?"
        visitor.fault = f"{type(error).__name__} in {where}"
        visitor.due_at = self.unit.now + FAULT_RETRY
        log.error("visitor isolated", shop=visitor.key.shop, fault=visitor.fault)

    # --- ask the rules ------------------------------------------------------------------------------------------------

    def ask_rules(self) -> None:
        """One evaluation for every visitor that something happened to."""
        for key, shop in self.touched.items():
            visitor = self.unit.visitors[key]
            if visitor.fault is not None:
                # Also a state that could not be read is looked at again later, and not at every round of the clock.
                visitor.due_at = self.unit.now + FAULT_RETRY
                continue
            try:
                self._evaluate(shop, visitor)
            except Exception as error:  # noqa: BLE001 - one visitor's fault is not its neighbours'
                self._isolate(visitor, error)

    def _evaluate(self, shop: ShopRules, visitor: LoadedVisitor) -> None:
        unit = self.unit
        person = identify.person_of(unit, visitor)
        if person is not None:
            identify.share(visitor.state, person.state)
        records.close_carts(unit, visitor)
        house = unit.houses[shop.id].state if shop.id in unit.houses else House()
        facts = Facts(shop.rules.shop, visitor.key.id, visitor.state, unit.now, person.state if person else None, house)
        # Only a look that a timer brought can be late; what an event brings happens now.
        planned_for = None if visitor.key in self.heard_of else visitor.due_at
        result = evaluate(shop.rules, facts, due_at=planned_for)
        visitor.due_at = result.due_at
        if house.rule_set not in ("", shop.rules.hash):
            visitor.due_at = min(unit.now + UP_TO_DATE_SOON, result.due_at or unit.now + UP_TO_DATE_SOON)
        for rule, kind in result.broken:
            log.error("rule isolated", shop=shop.id, rule=rule, kind=kind)
            visitor.due_at = min(unit.now + FAULT_RETRY, visitor.due_at or unit.now + FAULT_RETRY)
        if person is not None:
            person.changed |= bool(result.planned) or result.about_person
            identify.note(visitor, person, shop.rules.watched_of_person)
        self._write_down(shop, visitor, result)
        if visitor.key not in self.heard_of:
            key = visitor.key
            unit.add("rechecks", {"shop": key.shop, "visitor": key.id, "at": unit.now, "due_at": planned_for})
        self.results[visitor.key] = result
        if result.planned:
            brought = [item for item in result.planned if first_state(item.kind) is DeliveryState.SCHEDULED]
            self.owed[visitor.key] = [item.id for item in brought if item.due_at <= unit.now]

    def _write_down(self, shop: ShopRules, visitor: LoadedVisitor, result: Result) -> None:
        """What was decided, what is owed, and what is owed no more."""
        unit = self.unit
        if result.about_house:
            unit.houses[shop.id].changed = True
        for decision in result.decisions:
            unit.add_decision(visitor, decision, shop.rules.hash)
        for planned in result.planned:
            unit.add_delivery(visitor, planned)
        for change in result.audiences:
            unit.change_audience(visitor, change.name, add=change.add)
        for decision_id, guard in result.stopped:
            unit.cancel_deliveries(shop.id, guard.value, decision=decision_id)

    # --- answer -------------------------------------------------------------------------------------------------------

    def complete(self, submission: Submission, answer: Answer) -> None:
        """What goes back to the page that asked, and what workers should hear about."""
        shop = submission.shop.id
        if self.owed:
            for who in {item.event.visitor for item in submission.events}.union(submission.rechecks):
                answer.hints.extend(self.owed.get(VisitorKey(shop, who), ()))
        if submission.answer_for is None:
            return
        key = VisitorKey(shop, submission.answer_for)
        offers = self.unit.visitors[key].state.offers
        answer.messages = [msgspec.Raw(offer.body) for offer in offers if offer.expires_at > self.unit.now]
        result = self.results.get(key)
        answer.ask = result.ask if result else None


def is_stock_news(event: Event) -> bool:
    """Whether the shop itself says how many there are of a product; a browser only knows what its page showed."""
    if event.type != "stock_changed" or not event.trusted:
        return False
    product = event.product
    return product is not None and product.stock is not None and bool(product.names)


def _carts_in(event: Event) -> list[str]:
    """The carts whose owners matter: one that was ordered, and one that a browser says it holds."""
    ordered = event.order.cart_id if event.order is not None else None
    held = event.cart.id if event.cart is not None and not event.trusted else None
    return [cart for cart in (ordered, held) if cart]
