"""Every sentence of the shop in both languages; long ones (articles, returns, about) are templates of their own."""

from __future__ import annotations

from collections.abc import Callable

from demo.catalogue import Language, Text

Translate = Callable[..., str]

TEXTS: dict[str, Text] = {
    # the frame
    "shop_tagline": Text("inkt, papier en licht", "ink, paper and light"),
    "skip": Text("Naar de inhoud", "Skip to content"),
    "nav": Text("Hoofdmenu", "Main menu"),
    "help": Text("Hulp", "Help"),
    "returns": Text("Ruilen en terugsturen", "Returns"),
    "about": Text("Over ons", "About us"),
    "cart": Text("Winkelmand", "Basket"),
    "cart_count": Text("{n} in je winkelmand", "{n} in your basket"),
    "other_language": Text("English", "Nederlands"),
    "home": Text("Vloei, naar de voorpagina", "Vloei, to the front page"),
    "crumbs": Text("Je bent hier", "You are here"),
    "front": Text("Winkel", "Shop"),
    "footer_shop": Text("Winkel", "Shop"),
    "footer_service": Text("Service", "Service"),
    "footer_contact": Text("Contact", "Contact"),
    "footer_address": Text("Houtmarkt 7, Zutphen", "Houtmarkt 7, Zutphen, the Netherlands"),
    "footer_hours": Text("Di t/m za, 10 tot 17 uur", "Tue to Sat, 10 am to 5 pm"),
    "footer_phone": Text("Bel 0575 00 00 00", "Call +31 575 00 00 00"),
    "footer_chat": Text("Chat met Sanne", "Chat with Sanne"),
    "footer_cookies": Text("Cookiekeuze wijzigen", "Change cookie choice"),
    "footer_demo": Text(
        "Vloei is een oefenwinkel bij Shopbell. Er wordt niets verstuurd en niets afgerekend.",
        "Vloei is a demonstration shop for Shopbell. Nothing is shipped and nothing is charged.",
    ),
    "footer_mailbox": Text("Postvak met verstuurde mail", "Mailbox with the mail that was sent"),
    "footer_speed": Text("Haast? Laat de klok 60 keer zo snel lopen", "In a hurry? Run the clock 60 times as fast"),
    "footer_speed_normal": Text("Klok weer op gewoon tempo", "Clock back to normal"),
    # consent
    "consent_title": Text("Mogen we met je meekijken?", "May we look along?"),
    "consent_body": Text(
        "Als je het goedvindt onthouden we welke pagina’s je in deze winkel bekijkt, zodat Sanne kan helpen als je "
        "vastloopt. Zonder jouw ja wordt er niets gemeten.",
        "If you agree we remember which pages of this shop you visit, so that Sanne can help when you get stuck. "
        "Without your yes nothing is measured.",
    ),
    "consent_yes": Text("Ja, prima", "Yes, fine"),
    "consent_no": Text("Nee, liever niet", "No, rather not"),
    # home
    "hero_title": Text("Voor wie met de hand schrijft", "For those who write by hand"),
    "hero_lead": Text(
        "Inkt die rustig vloeit, papier dat haar vasthoudt en een lamp die je blad verlicht. Gekozen en getest in onze "
        "winkel in Zutphen.",
        "Ink that flows calmly, paper that holds it and a lamp that lights the page. Chosen and tested in our shop in "
        "Zutphen.",
    ),
    "hero_button": Text("Bekijk de inkten", "See the inks"),
    "hero_second": Text("Welke inkt past bij mij?", "Which ink suits me?"),
    "hero_picture": Text(
        "Een bureau met een lamp, een opengeslagen schrift, een potje blauwe inkt en een vulpen",
        "A desk with a lamp, an open notebook, a bottle of blue ink and a fountain pen",
    ),
    "home_featured": Text("Nu in de etalage", "In the window now"),
    "home_shelves": Text("De planken", "The shelves"),
    "home_help": Text("Uit de praktijk", "From the workbench"),
    "home_help_lead": Text(
        "Korte antwoorden op wat klanten ons aan de toonbank vragen.",
        "Short answers to what customers ask us at the counter.",
    ),
    "all_help": Text("Alle hulp", "All help"),
    "promise_returns": Text("30 dagen gratis terug", "30 days free returns"),
    "promise_returns_more": Text("Ook als het potje open is geweest", "Even if the bottle has been opened"),
    "promise_ship": Text("Morgen in huis", "With you tomorrow"),
    "promise_ship_whole": Text(
        "Op werkdagen voor 16 uur besteld, morgen in huis", "Ordered before 4 pm on a working day, with you tomorrow"
    ),
    "promise_ship_more": Text("Besteld voor 16 uur op werkdagen", "When ordered before 4 pm on working days"),
    "promise_people": Text("Iemand aan de lijn", "A person on the line"),
    "promise_people_more": Text("Sanne of Bram, geen menu", "Sanne or Bram, no menu"),
    # products
    "add": Text("In winkelmand", "Add to basket"),
    "quantity": Text("Aantal", "Quantity"),
    "sold_out": Text("Uitverkocht", "Sold out"),
    "sold_out_more": Text(
        "De volgende partij komt in januari. Vraag Sanne om er een voor je weg te zetten.",
        "The next batch comes in January. Ask Sanne to put one aside for you.",
    ),
    "in_stock": Text("Op voorraad", "In stock"),
    "few_left": Text("Nog {n} op voorraad", "{n} left in stock"),
    "vat": Text("inclusief btw", "VAT included"),
    "facts": Text("Op een rij", "In short"),
    "goes_with": Text("Mooi erbij", "Goes well with"),
    "read_first": Text("Twijfel je nog? Lees eerst:", "Not sure yet? Read first:"),
    "items": Text("{n} artikelen", "{n} items"),
    # cart
    "cart_empty": Text("Je winkelmand is nog leeg.", "Your basket is still empty."),
    "cart_empty_more": Text(
        "Kijk rond op de planken, we lopen niet weg.", "Have a look around, we are not going away."
    ),
    "cart_change": Text("Aantal wijzigen", "Change quantity"),
    "cart_remove": Text("Verwijder", "Remove"),
    "cart_remove_one": Text("{name} verwijderen", "Remove {name}"),
    "cart_clear": Text("Winkelmand leegmaken", "Empty the basket"),
    "subtotal": Text("Artikelen", "Items"),
    "shipping": Text("Bezorging", "Delivery"),
    "shipping_later": Text("Kies je bij het afrekenen", "You choose at the checkout"),
    "total": Text("Totaal", "Total"),
    "to_checkout": Text("Afrekenen", "Check out"),
    "shop_on": Text("Verder kijken", "Keep looking"),
    "restored": Text("Je bewaarde winkelmand staat weer klaar.", "Your saved basket is back."),
    "restored_lost": Text("Dit konden we niet terugzetten: {names}.", "We could not bring back: {names}."),
    "something_unknown": Text("iets dat we niet meer verkopen", "something we no longer sell"),
    # checkout
    "step_contact": Text("Gegevens", "Contact"),
    "step_address": Text("Adres", "Address"),
    "step_shipping": Text("Bezorging", "Delivery"),
    "step_payment": Text("Betalen", "Payment"),
    "steps": Text("Stappen van het afrekenen", "Checkout steps"),
    "step_of": Text("Stap {n} van 4", "Step {n} of 4"),
    "your_order": Text("Je bestelling", "Your order"),
    "name": Text("Naam", "Name"),
    "email": Text("E-mailadres", "E-mail address"),
    "email_why": Text("Voor de bevestiging en de bezorgtijd.", "For the confirmation and the delivery time."),
    "may_mail": Text(
        "Vloei mag mij mailen als ik mijn bestelling niet afmaak. Ik kan me met één klik afmelden.",
        "Vloei may e-mail me if I do not finish my order. I can unsubscribe with one click.",
    ),
    "street": Text("Straat en huisnummer", "Street and house number"),
    "postcode": Text("Postcode", "Postcode"),
    "city": Text("Plaats", "City"),
    "country": Text("Land", "Country"),
    "country_NL": Text("Nederland", "Netherlands"),
    "country_BE": Text("België", "Belgium"),
    "on_to_address": Text("Verder naar adres", "On to address"),
    "on_to_shipping": Text("Verder naar bezorging", "On to delivery"),
    "on_to_payment": Text("Verder naar betalen", "On to payment"),
    "shipping_title": Text("Hoe mogen we het brengen?", "How may we bring it?"),
    "shipping_note": Text(
        "Bezorgen kost ons per pakket even veel, dus jou ook. Terugsturen is altijd gratis.",
        "Bringing a parcel costs us the same each time, and so it does you. Sending back is always free.",
    ),
    "payment_title": Text("Hoe wil je betalen?", "How would you like to pay?"),
    "pay_ideal": Text("iDEAL (oefenbetaling, lukt altijd)", "iDEAL (practice payment, always works)"),
    "pay_card": Text("Kaart (oefenbetaling, wordt geweigerd)", "Card (practice payment, is declined)"),
    "pay_failed": Text(
        "De bank heeft deze betaling geweigerd. Er is niets afgeschreven. Kies een andere manier.",
        "The bank declined this payment. Nothing was charged. Please choose another way.",
    ),
    "pay_now": Text("Bestellen en {amount} betalen", "Order and pay {amount}"),
    "pay_demo": Text("Dit is een oefenwinkel: er wordt niets afgeschreven.", "A demonstration: nothing is charged."),
    "back": Text("Terug", "Back"),
    "error_title": Text("Kijk dit even na", "Please check this"),
    "error_name": Text("Vul je naam in.", "Enter your name."),
    "error_email": Text("Vul een e-mailadres in, zoals naam@voorbeeld.nl.", "Enter an address like name@example.com."),
    "error_street": Text("Vul je straat met huisnummer in.", "Enter your street with the house number."),
    "error_postcode": Text("Vul een postcode in, zoals 7201 KM of 9000.", "Enter a postcode, like 7201 KM or 9000."),
    "error_city": Text("Vul je plaats in.", "Enter your city."),
    "error_method": Text("Kies hoe we het mogen brengen.", "Choose how we may bring it."),
    "error_payment": Text("Kies hoe je wilt betalen.", "Choose how you would like to pay."),
    "thanks_title": Text("Dank je, {name}", "Thank you, {name}"),
    "thanks_lead": Text(
        "Je bestelling {id} is binnen. We pakken hem vandaag nog in.",
        "Your order {id} has arrived. We will pack it today.",
    ),
    "thanks_help": Text(
        "Iets vergeten of verkeerd besteld? Bel of chat met Sanne, dan passen we het aan.",
        "Forgot something, or ordered the wrong thing? Call or chat with Sanne and we will change it.",
    ),
    # help
    "help_title": Text("Waar kunnen we mee helpen?", "How can we help?"),
    "help_lead": Text(
        "We schrijven op wat we aan de toonbank uitleggen. Staat jouw vraag er niet bij, vraag het dan gewoon.",
        "We write down what we explain at the counter. If your question is not here, just ask.",
    ),
    "minutes": Text("{n} minuten lezen", "{n} minutes to read"),
    "more_help": Text("Lees ook", "Read on"),
    "ask_title": Text("Kom je er niet uit?", "Still stuck?"),
    "ask_body": Text(
        "Sanne en Bram denken graag mee, van dinsdag tot en met zaterdag tussen 10 en 17 uur.",
        "Sanne and Bram are glad to think along, Tuesday to Saturday between 10 am and 5 pm.",
    ),
    "not_found_title": Text("Deze plank is leeg", "This shelf is empty"),
    "not_found_body": Text(
        "De pagina bestaat niet, of niet meer. Via de voorpagina vind je alles terug.",
        "This page does not exist, or not any more. The front page leads everywhere.",
    ),
    "to_front": Text("Naar de voorpagina", "To the front page"),
    # chat
    "chat_title": Text("Chat met Sanne", "Chat with Sanne"),
    "chat_close": Text("Chat sluiten", "Close chat"),
    "chat_input": Text("Typ je vraag", "Type your question"),
    "chat_send": Text("Stuur", "Send"),
    "chat_you": Text("Jij", "You"),
    "chat_greet_product": Text(
        "Hoi, Sanne hier. Ik zie dat je {page} bekijkt. Waar wil je hem voor gebruiken?",
        "Hi, Sanne here. I see you are looking at {page}. What would you use it for?",
    ),
    "chat_greet_knowledge_base": Text(
        "Hoi, Sanne hier. Je las net “{page}”. Staat je antwoord er niet bij? Vertel even wat je zoekt.",
        "Hi, Sanne here. You were reading “{page}”. Is your answer not there? Tell me what you are looking for.",
    ),
    "chat_greet_checkout": Text(
        "Hoi, Sanne hier. Vraag over de bezorging of het betalen? Ik kijk met je mee.",
        "Hi, Sanne here. A question about delivery or payment? I will look along with you.",
    ),
    "chat_greet_other": Text(
        "Hoi, Sanne hier. Ik sta in de winkel. Waar kan ik je mee helpen?",
        "Hi, Sanne here. I am in the shop. What can I help you with?",
    ),
    "chat_reply_first": Text(
        "Dank je, ik lees even mee. (Dit is een oefenwinkel: in het echt staat hier nu een mens.)",
        "Thank you, let me read that. (This is a demonstration: in real life a person answers here.)",
    ),
    "chat_reply_next": Text("Begrepen. Ik zoek het voor je uit.", "Understood. I will find out for you."),
    # behind the scenes
    "drawer_title": Text("Achter de schermen", "Behind the scenes"),
    "drawer_lead": Text(
        "Wat deze winkel aan Shopbell vertelt, en wat Shopbell ervan vindt.",
        "What this shop tells Shopbell, and what Shopbell makes of it.",
    ),
    "drawer_show": Text("Achter de schermen", "Behind the scenes"),
    "drawer_hide": Text("Verberg", "Hide"),
    "counter_title": Text("Demo: achter de toonbank", "Demo: behind the counter"),
    "counter_open": Text("Sanne is er", "Sanne is in"),
    "counter_closed": Text("Er is nu niemand", "Nobody is in"),
    "counter_unknown": Text("Nog niet doorgegeven", "Not told yet"),
    "counter_come": Text("Laat Sanne komen", "Let Sanne in"),
    "counter_leave": Text("Laat Sanne gaan", "Let Sanne go"),
    "drawer_rules": Text("Regels", "Rules"),
    "drawer_events": Text("Heen en terug", "There and back"),
    "drawer_clear": Text("Wis", "Clear"),
    "drawer_empty": Text(
        "Nog niets verstuurd. Zonder jouw ja wordt er niets gemeten.",
        "Nothing sent yet. Without your yes nothing is measured.",
    ),
    "drawer_next": Text("Shopbell kijkt weer over {t}", "Shopbell looks again in {t}"),
    "drawer_next_none": Text("Shopbell wacht op wat je doet", "Shopbell waits for what you do"),
    "drawer_next_engaged": Text("telt alleen als je leest", "counts only while you read"),
    "drawer_accepted": Text("{n} aangenomen", "{n} accepted"),
    "drawer_duplicates": Text("{n} al bekend", "{n} known already"),
    "drawer_again": Text("nog eens, voor de zekerheid", "once more, to be sure"),
    "drawer_rejected": Text("geweigerd", "rejected"),
    "drawer_warning": Text("let op", "note"),
    "drawer_message": Text("uitnodiging", "invitation"),
    "drawer_message_shown": Text("Uitnodiging getoond", "Invitation shown"),
    "drawer_dismissed": Text("Uitnodiging weggeklikt", "Invitation dismissed"),
    "drawer_accepted_chat": Text("Uitnodiging aangenomen, chat open", "Invitation accepted, chat open"),
    "drawer_restored": Text("Bewaarde winkelmand opgehaald", "Saved basket fetched"),
    "drawer_error": Text("Ging mis", "Went wrong"),
    "drawer_wanted": Text("nodig", "wanted"),
    "drawer_seen": Text("gezien", "seen"),
    "drawer_at": Text("op zijn vroegst {t}", "at {t} at the earliest"),
    "drawer_waits": Text("wacht op {what}", "waits for {what}"),
    "drawer_fired": Text("om {t}", "at {t}"),
    "drawer_running": Text("volgende stap {t}", "next step {t}"),
    "drawer_met": Text("gaat zo af", "about to fire"),
    "state_met": Text("klopt", "met"),
    "state_not_met": Text("nee", "no"),
    "state_not_yet": Text("nog niet", "not yet"),
    "state_unknown": Text("onbekend", "unknown"),
    "state_fired": Text("afgegaan", "fired"),
    "state_held": Text("stil gehouden", "held"),
    "state_running": Text("onderweg", "on its way"),
    "state_off": Text("uit", "off"),
    "speed_note": Text("{x}× sneller", "{x}× faster"),
    "speed_on_page": Text("op deze pagina", "on this page"),
}

BROWSER_TEXTS = tuple(
    key
    for key in TEXTS
    if key.startswith(("chat_greet", "chat_reply", "chat_you", "drawer_", "state_", "counter_", "speed_"))
)
"""What the scripts of the shop show themselves."""


def translator(language: Language) -> Translate:
    """A function from key (and values to fill in) to the sentence. Errors: KeyError for an unknown key."""

    def translate(key: str, **values: object) -> str:
        text = TEXTS[key].to(language)
        return text.format(**values) if values else text

    return translate
