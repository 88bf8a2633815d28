"""The shop's help: which articles there are; what they say stands in `templates/demo/help/<slug>.<language>.html`."""

from __future__ import annotations

from dataclasses import dataclass

from demo.catalogue import Text


@dataclass(frozen=True, slots=True)
class Article:
    slug: str
    title: Text
    lead: Text
    minutes: int
    products: tuple[str, ...]


ARTICLES: dict[str, Article] = {
    article.slug: article
    for article in (
        Article(
            "which-ink",
            Text("Welke inkt past bij mijn vulpen?", "Which ink suits my fountain pen?"),
            Text(
                "Drie vragen die je van tevoren kunt beantwoorden: hoe oud is je pen, hoe snel schrijf je, en moet het "
                "blijven staan?",
                "Three questions you can answer beforehand: how old is your pen, how fast do you write, and must it "
                "last?",
            ),
            3,
            ("kobalt", "roest", "nacht"),
        ),
        Article(
            "which-paper",
            Text("Waarom drukt inkt door het papier?", "Why does ink bleed through paper?"),
            Text(
                "Gewicht zegt minder dan je denkt. Waar je op let, en hoe je het thuis in een minuut test.",
                "Weight says less than you think. What to look for, and how to test it at home in a minute.",
            ),
            3,
            ("schrift-a5", "briefpapier", "proefpakket"),
        ),
        Article(
            "cleaning-a-pen",
            Text("Een vulpen schoonmaken", "Cleaning a fountain pen"),
            Text(
                "Lauw water is bijna altijd genoeg. Zo doe je het, en dit laat je beter staan.",
                "Lukewarm water is nearly always enough. How to do it, and what to leave on the shelf.",
            ),
            2,
            ("vulpen-lijn", "nacht"),
        ),
        Article(
            "desk-light",
            Text("Goed licht op je bureau", "Good light on your desk"),
            Text(
                "Waar de lamp hoort te staan als je rechts of links schrijft, en hoeveel licht je nodig hebt.",
                "Where the lamp belongs when you write with your right or left hand, and how much light you need.",
            ),
            2,
            ("lamp-veer", "lamp-knik", "lamp-kap"),
        ),
        Article(
            "ink-stains",
            Text("Inkt uit kleren en van je handen", "Ink out of clothes and off your hands"),
            Text(
                "Snel zijn helpt meer dan schrobben. Wat je doet in de eerste minuut, en wat daarna.",
                "Being quick helps more than scrubbing. What to do in the first minute, and after.",
            ),
            2,
            ("kobalt", "mos"),
        ),
    )
}
