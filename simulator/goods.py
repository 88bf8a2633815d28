"""What the simulated shop sells, and how it ships. Amounts in cents; prices hold their taxes, as in Dutch shops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CURRENCY: Final = "EUR"
VAT_PERCENT: Final = 21


@dataclass(frozen=True)
class Product:
    number: int
    sku: str
    nl: str
    en: str
    price: int

    def name(self, language: str) -> str:
        return self.nl if language == "nl" else self.en


@dataclass(frozen=True)
class Shipping:
    """A way to have it brought; ``price`` with its taxes."""

    code: str
    nl: str
    en: str
    price: int

    def name(self, language: str) -> str:
        return self.nl if language == "nl" else self.en


@dataclass(frozen=True)
class Line:
    product: Product
    quantity: int

    @property
    def total(self) -> int:
        return self.product.price * self.quantity


PRODUCTS: Final = (
    Product(101, "VUL-01", "Vulpen, messing", "Fountain pen, brass", 6450),
    Product(102, "INK-04", "Inkt, donkergroen", "Ink, dark green", 1495),
    Product(103, "SCH-A5", "Schrift A5, gelinieerd", "Notebook A5, ruled", 1250),
    Product(104, "BRI-50", "Briefpapier, 50 vel", "Writing paper, 50 sheets", 2495),
    Product(105, "ETU-02", "Etui, leer", "Pen case, leather", 4900),
    Product(106, "POT-12", "Potloden, 12 stuks", "Pencils, set of 12", 1875),
)
LETTERBOX: Final = Shipping("letterbox", "Door de brievenbus", "Through the letter box", 250)
INSURED: Final = Shipping("insured", "Pakket aan huis, verzekerd", "Parcel to your door, insured", 795)


def vat_in(amount: int) -> int:
    """The tax that an amount holds, in whole cents."""
    return round(amount * VAT_PERCENT / (100 + VAT_PERCENT))


def major(amount: int) -> str:
    """Cents as a decimal text, such as ``12.50``."""
    return f"{amount // 100}.{amount % 100:02d}"
