"""What the shop sells. Prices live here and nowhere else: the browser is never asked what something costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["nl", "en"]
LANGUAGES: tuple[Language, ...] = ("nl", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """The same sentence in both languages of the shop."""

    nl: str
    en: str

    def to(self, language: Language) -> str:
        return self.nl if language == "nl" else self.en


@dataclass(frozen=True, slots=True)
class Category:
    slug: str
    name: Text
    lead: Text


@dataclass(frozen=True, slots=True)
class Product:
    """`price` is in euro cents, VAT included; `stock` in pieces, 0 when sold out."""

    slug: str
    sku: str
    category: str
    name: Text
    kind: Text
    lead: Text
    story: Text
    facts: tuple[tuple[Text, Text], ...]
    picture: Text
    price: int
    stock: int
    help: str = ""


@dataclass(frozen=True, slots=True)
class Shipping:
    """A way to bring the parcel; `price` is in euro cents, VAT included."""

    code: str
    name: Text
    when: Text
    price: int


CURRENCY = "EUR"

SHIPPING: dict[str, Shipping] = {
    way.code: way
    for way in (
        Shipping(
            "standard",
            Text("Gewone bezorging", "Standard delivery"),
            Text("De volgende werkdag, overdag", "Next working day, daytime"),
            695,
        ),
        Shipping(
            "evening",
            Text("Avondbezorging", "Evening delivery"),
            Text("De volgende werkdag, tussen 18 en 22 uur", "Next working day, between 6 and 10 pm"),
            995,
        ),
    )
}

CATEGORIES: dict[str, Category] = {
    category.slug: category
    for category in (
        Category(
            "ink",
            Text("Inkt en pen", "Ink and pens"),
            Text(
                "Inkt op waterbasis, gemengd in kleine partijen. Elke kleur is getest in twaalf vulpennen.",
                "Water-based ink, mixed in small batches. Every colour is tested in twelve fountain pens.",
            ),
        ),
        Category(
            "paper",
            Text("Papier", "Paper"),
            Text(
                "Papier dat inkt op zijn plek houdt: geen veren, geen doordruk, wel structuur onder je pen.",
                "Paper that keeps ink in its place: no feathering, no bleed, and some tooth under your nib.",
            ),
        ),
        Category(
            "light",
            Text("Licht", "Light"),
            Text(
                "Lampen die je blad verlichten en niet je ogen. Warm wit, dimbaar, te repareren.",
                "Lamps that light the page and not your eyes. Warm white, dimmable, repairable.",
            ),
        ),
    )
}

_CONTENT = Text("Inhoud", "Contents")
_SIZE = Text("Maat", "Size")
_MADE = Text("Gemaakt in", "Made in")
_LIGHT = Text("Licht", "Light")
_WATER = Text("Watervast", "Waterproof")
_CLEANING = Text("Schoonmaken", "Cleaning")
_WEIGHT = Text("Gewicht", "Weight")
_ML50 = Text("50 ml, glas, navulbaar", "50 ml, glass, refillable")
_ZUTPHEN = Text("Zutphen", "Zutphen, the Netherlands")
_NO = Text("Nee", "No")
_RINSE = Text("Spoelt uit met lauw water", "Rinses out with lukewarm water")
_LED = Text("Led, 2700 K, 480 lumen, dimbaar", "LED, 2700 K, 480 lumens, dimmable")


def _ink(slug: str, sku: str, name: str, lead: Text, story: Text, picture: Text, stock: int) -> Product:
    facts = ((_CONTENT, _ML50), (_WATER, _NO), (_CLEANING, _RINSE), (_MADE, _ZUTPHEN))
    kind = Text("Vulpeninkt, 50 ml", "Fountain pen ink, 50 ml")
    return Product(slug, sku, "ink", Text(name, name), kind, lead, story, facts, picture, 1450, stock, help="which-ink")


PRODUCTS: dict[str, Product] = {
    product.slug: product
    for product in (
        _ink(
            "kobalt",
            "VL-I-01",
            "Kobalt",
            Text("Helder blauw met een rode gloed waar de inkt blijft staan.", "Clear blue, with a red sheen."),
            Text(
                "Onze eerste kleur en nog altijd de meest verkochte. Kobalt droogt in twaalf seconden, vloeit rustig "
                "en is zacht voor zuigers en rubber. Geschikt voor elke vulpen, ook voor een oude.",
                "Our first colour, and still the one we sell most. Kobalt dries in twelve seconds, flows calmly and is "
                "gentle on pistons and rubber. Safe in any fountain pen, old ones included.",
            ),
            Text("Vierkant glazen potje met kobaltblauwe inkt", "Square glass bottle of cobalt blue ink"),
            48,
        ),
        _ink(
            "roest",
            "VL-I-02",
            "Roest",
            Text("Bruinrood dat per streek verschiet, als een oude spijker.", "A red-brown that shades like old iron."),
            Text(
                "Roest laat zien hoe je schrijft: licht waar je pen snel gaat, donker waar je wacht. Mooi met een "
                "brede punt op ruw papier. Droogt in twintig seconden.",
                "Roest shows how you write: light where your nib is quick, dark where you pause. Lovely with a broad "
                "nib on rough paper. Dries in twenty seconds.",
            ),
            Text("Vierkant glazen potje met roestbruine inkt", "Square glass bottle of rust-brown ink"),
            31,
        ),
        _ink(
            "mos",
            "VL-I-03",
            "Mos",
            Text(
                "Gedempt groen, leesbaar genoeg voor een hele brief.", "A muted green you can read a whole letter in."
            ),
            Text(
                "Groen is vaak te fel voor lange stukken. Mos is gemengd met een beetje zwart, zodat een volle "
                "bladzijde rustig blijft. Droogt in vijftien seconden.",
                "Green is often too loud for long pages. Mos has a touch of black in it, so that a full sheet stays "
                "calm. Dries in fifteen seconds.",
            ),
            Text("Vierkant glazen potje met mosgroene inkt", "Square glass bottle of moss green ink"),
            22,
        ),
        Product(
            "nacht",
            "VL-I-09",
            "ink",
            Text("Nacht", "Nacht"),
            Text("IJzergallusinkt, 50 ml", "Iron gall ink, 50 ml"),
            Text(
                "Archiefvast blauwzwart. De volgende partij rijpt nog.",
                "Permanent blue-black. The next batch is still ageing.",
            ),
            Text(
                "IJzergallusinkt wordt op papier donkerder en gaat er niet meer af. Wij laten hem zes weken staan voor "
                "we bottelen. Maak je pen elke twee weken schoon als je Nacht gebruikt.",
                "Iron gall ink darkens on paper and does not come off again. We let it stand for six weeks before "
                "bottling. Clean your pen every two weeks when you use Nacht.",
            ),
            (
                (_CONTENT, _ML50),
                (_WATER, Text("Ja, na een dag", "Yes, after a day")),
                (_CLEANING, Text("Elke twee weken, met lauw water", "Every two weeks, with lukewarm water")),
                (_MADE, _ZUTPHEN),
            ),
            Text("Vierkant glazen potje met bijna zwarte inkt", "Square glass bottle of nearly black ink"),
            1750,
            0,
            help="cleaning-a-pen",
        ),
        Product(
            "vulpen-lijn",
            "VL-P-01",
            "ink",
            Text("Lijn", "Lijn"),
            Text("Vulpen met zuiger", "Piston fountain pen"),
            Text("Licht, recht en zonder clip die in de weg zit.", "Light, straight, with no clip in the way."),
            Text(
                "Een vulpen die je met inkt uit een potje vult. De stalen punt is met de hand nagelopen en schrijft "
                "meteen. Past hij je niet? Wij ruilen de punt het eerste jaar gratis.",
                "A fountain pen you fill from a bottle. The steel nib is checked by hand and writes at once. Not your "
                "nib? We exchange it free of charge in the first year.",
            ),
            (
                (_SIZE, Text("138 mm, 11 mm dik", "138 mm, 11 mm wide")),
                (_WEIGHT, Text("19 gram", "19 grams")),
                (Text("Punt", "Nib"), Text("Staal, F, M of B", "Steel, F, M or B")),
                (_CLEANING, _RINSE),
            ),
            Text("Slanke donkere vulpen met stalen punt", "Slim dark fountain pen with a steel nib"),
            3800,
            14,
            help="cleaning-a-pen",
        ),
        Product(
            "schrift-a5",
            "VL-S-05",
            "paper",
            Text("Schrift A5", "Notebook A5"),
            Text("Genaaid, 120 bladzijden", "Sewn, 120 pages"),
            Text("Ligt vlak open op elke bladzijde.", "Lies flat on every page."),
            Text(
                "Negentig grams papier dat vulpeninkt aan één kant houdt. Genaaid in tien katernen, met een linnen rug "
                "en een stippelraster dat je na twee regels niet meer ziet.",
                "Ninety gram paper that keeps fountain pen ink on one side. Sewn in ten signatures, with a linen spine "
                "and a dot grid you stop noticing after two lines.",
            ),
            (
                (_SIZE, Text("148 × 210 mm", "148 × 210 mm")),
                (Text("Papier", "Paper"), Text("90 g/m², stippelraster", "90 g/m², dot grid")),
                (Text("Binding", "Binding"), Text("Genaaid, linnen rug", "Sewn, linen spine")),
                (_MADE, Text("Apeldoorn", "Apeldoorn, the Netherlands")),
            ),
            Text("Dicht schrift met linnen rug en leeslint", "Closed notebook with a linen spine and a ribbon"),
            1895,
            60,
            help="which-paper",
        ),
        Product(
            "briefpapier",
            "VL-B-01",
            "paper",
            Text("Briefpapier", "Letter set"),
            Text("40 vellen, 20 enveloppen", "40 sheets, 20 envelopes"),
            Text("Zwaar genoeg om te bewaren.", "Heavy enough to keep."),
            Text(
                "Geribd papier van honderdtwintig gram, met gevoerde enveloppen. Een lijnenblad om onder te leggen zit "
                "erbij, zodat je regels recht blijven zonder dat iemand het ziet.",
                "Laid paper of a hundred and twenty grams, with lined envelopes. A guide sheet to put underneath is "
                "included, so that your lines stay straight and nobody knows why.",
            ),
            (
                (_SIZE, Text("A5, envelop C6", "A5, C6 envelope")),
                (Text("Papier", "Paper"), Text("120 g/m², geribd", "120 g/m², laid")),
                (_CONTENT, Text("40 vellen, 20 enveloppen, lijnenblad", "40 sheets, 20 envelopes, guide sheet")),
                (_MADE, Text("Renkum", "Renkum, the Netherlands")),
            ),
            Text("Stapel briefpapier met een open envelop", "Stack of letter paper with an open envelope"),
            1650,
            27,
            help="which-paper",
        ),
        Product(
            "proefpakket",
            "VL-B-00",
            "paper",
            Text("Proefpakket", "Sampler"),
            Text("Zes papieren, vijf vellen elk", "Six papers, five sheets each"),
            Text("Eerst voelen, dan kiezen.", "Feel first, choose later."),
            Text(
                "Vijf vellen van elk papier dat we verkopen, met op elk vel gewicht en soort. Schrijf er met je eigen "
                "pen en inkt op: zo weet je het zeker.",
                "Five sheets of every paper we sell, each marked with its weight and kind. Write on them with your own "
                "pen and ink: then you know.",
            ),
            (
                (_SIZE, Text("A5", "A5")),
                (_CONTENT, Text("30 vellen", "30 sheets")),
                (_MADE, _ZUTPHEN),
            ),
            Text("Waaier van zes vellen papier in verschillende tinten", "Fan of six sheets in different shades"),
            750,
            85,
            help="which-paper",
        ),
        Product(
            "lamp-veer",
            "VL-L-01",
            "light",
            Text("Veer", "Veer"),
            Text("Bureaulamp met veerarm", "Desk lamp with a sprung arm"),
            Text("Blijft staan waar je hem loslaat.", "Stays where you let go of it."),
            Text(
                "Een arm van zestig centimeter met twee veren, een kap die tot boven je blad reikt en een knop die je "
                "in het donker vindt. Elk onderdeel is los te koop, ook over tien jaar.",
                "A sixty-centimetre arm with two springs, a shade that reaches over the page and a switch you can find "
                "in the dark. Every part is sold separately, in ten years' time too.",
            ),
            (
                (_SIZE, Text("Arm 60 cm, voet 18 cm", "Arm 60 cm, base 18 cm")),
                (_LIGHT, _LED),
                (Text("Garantie", "Guarantee"), Text("Tien jaar op de veren", "Ten years on the springs")),
                (_WEIGHT, Text("2,4 kg", "2.4 kg")),
            ),
            Text("Bureaulamp met geknikte arm en blauwe kap", "Desk lamp with a jointed arm and a blue shade"),
            12900,
            9,
            help="desk-light",
        ),
        Product(
            "lamp-knik",
            "VL-L-02",
            "light",
            Text("Knik", "Knik"),
            Text("Klemlamp", "Clamp lamp"),
            Text("Klemt aan elk blad tot vijf centimeter.", "Clamps to any top up to five centimetres."),
            Text(
                "Voor een klein bureau of een plank boven bed. De klem heeft kurk op de lippen, zodat er geen afdruk "
                "in je tafel komt.",
                "For a small desk or a shelf above the bed. The clamp is lined with cork, so that it leaves no mark in "
                "your table.",
            ),
            (
                (_SIZE, Text("Arm 38 cm", "Arm 38 cm")),
                (_LIGHT, _LED),
                (Text("Klem", "Clamp"), Text("Tot 5 cm dik, met kurk", "Up to 5 cm thick, cork lined")),
                (_WEIGHT, Text("1,1 kg", "1.1 kg")),
            ),
            Text("Klemlamp met ronde kap aan een tafelblad", "Clamp lamp with a round shade on a table top"),
            8900,
            17,
            help="desk-light",
        ),
        Product(
            "lamp-kap",
            "VL-L-03",
            "light",
            Text("Kap", "Kap"),
            Text("Tafellamp met papieren kap", "Table lamp with a paper shade"),
            Text("Zacht licht voor naast het schrift.", "Soft light for beside the notebook."),
            Text(
                "Een voet van essenhout en een kap van hetzelfde papier als onze schriften. Vouwt plat voor verzending "
                "en staat in vijf minuten.",
                "A base of ash wood and a shade of the same paper as our notebooks. Ships flat and stands in five "
                "minutes.",
            ),
            (
                (_SIZE, Text("34 cm hoog", "34 cm high")),
                (_LIGHT, Text("Led, 2700 K, 320 lumen, dimbaar", "LED, 2700 K, 320 lumens, dimmable")),
                (Text("Voet", "Base"), Text("Essenhout, geolied", "Ash, oiled")),
                (_WEIGHT, Text("0,8 kg", "0.8 kg")),
            ),
            Text("Tafellamp met houten voet en geplooide papieren kap", "Table lamp, wooden base, pleated paper shade"),
            6400,
            21,
            help="desk-light",
        ),
    )
}

FEATURED = ("kobalt", "schrift-a5", "lamp-veer", "vulpen-lijn")


def in_category(slug: str) -> list[Product]:
    """The products of one category, in the order of the catalogue, with what is sold out at the end."""
    return sorted((p for p in PRODUCTS.values() if p.category == slug), key=lambda p: p.stock == 0)


def companions(product: Product) -> list[Product]:
    """Three things that go with this one: first from the same shelf, then from the front window."""
    same = [p for p in in_category(product.category) if p is not product and p.stock]
    others = [PRODUCTS[slug] for slug in FEATURED if PRODUCTS[slug].category != product.category]
    return [*same[:2], *others][:3]


def money(cents: int, language: Language) -> str:
    """`1450` as a shopper reads it: `€ 14,50` in Dutch, `€14.50` in English."""
    euros, rest = divmod(cents, 100)
    return f"€\u00a0{euros},{rest:02d}" if language == "nl" else f"€{euros}.{rest:02d}"


def wire_amount(cents: int) -> str:
    """`1450` as Shopbell's API takes it: a decimal string in major units."""
    return f"{cents // 100}.{cents % 100:02d}"
