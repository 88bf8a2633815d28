"""What the simulated shop sells, and how it ships. Amounts in cents; prices hold their taxes, as in Dutch shops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CURRENCY: Final = "EUR"
VAT_PERCENT: Final = 21


@dataclass(frozen=True)
class _Named:
    nl: str
    en: str

    def name(self, language: str) -> str:
        return self.nl if language == "nl" else self.en


@dataclass(frozen=True)
class Product(_Named):
    number: int
    sku: str
    price: int


@dataclass(frozen=True)
class Shipping(_Named):
    """A way to have it brought; ``price`` with its taxes."""

    code: str
    price: int


@dataclass(frozen=True)
class Line:
    product: Product
    quantity: int

    @property
    def total(self) -> int:
        return self.product.price * self.quantity


PRODUCTS: Final = (
    Product("Vulpen, messing", "Fountain pen, brass", 101, "VUL-01", 6450),
    Product("Inkt, donkergroen", "Ink, dark green", 102, "INK-04", 1495),
    Product("Schrift A5, gelinieerd", "Notebook A5, ruled", 103, "SCH-A5", 1250),
    Product("Briefpapier, 50 vel", "Writing paper, 50 sheets", 104, "BRI-50", 2495),
    Product("Etui, leer", "Pen case, leather", 105, "ETU-02", 4900),
    Product("Potloden, 12 stuks", "Pencils, set of 12", 106, "POT-12", 1875),
)
SOLD_OUT: Final = Product("Inktpot, glas", "Ink well, glass", 107, "INK-GL", 2250)
"""Until it comes back in the afternoon."""
EVERYTHING: Final = (*PRODUCTS, SOLD_OUT)
LETTERBOX: Final = Shipping("Door de brievenbus", "Through the letter box", "letterbox", 250)
INSURED: Final = Shipping("Pakket aan huis, verzekerd", "Parcel to your door, insured", "insured", 795)


def vat_in(amount: int) -> int:
    """The tax that an amount holds, in whole cents."""
    return round(amount * VAT_PERCENT / (100 + VAT_PERCENT))


def major(amount: int) -> str:
    """Cents as a decimal text, such as ``12.50``."""
    return f"{amount // 100}.{amount % 100:02d}"
