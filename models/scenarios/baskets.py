"""Baskets: what the shop sells and what people buy together."""

from features.events import BasketLine
from models.scenarios.draws import Draws

ASSORTMENT: dict[str, tuple[str, int]] = {
    "apples": ("Apples 1 kg", 299), "bananas": ("Bananas 1 kg", 179), "batteries": ("AA batteries 8 pcs", 699),
    "beer": ("Lager 6 x 0.5 l", 549), "biscuits": ("Butter biscuits 200 g", 189), "bread": ("Rye bread 750 g", 329),
    "butter": ("Butter 250 g", 259), "candles": ("Tea lights 50 pcs", 349), "cat food": ("Cat food 12 pouches", 479),
    "cereal": ("Oat flakes 500 g", 139), "charger": ("USB-C charger", 1499), "cheese": ("Gouda 400 g", 399),
    "chocolate": ("Dark chocolate 100 g", 149), "coffee": ("Ground coffee 500 g", 649),
    "cosmetics": ("Hand cream 75 ml", 395), "crisps": ("Salted crisps 175 g", 199),
    "detergent": ("Detergent 1.3 l", 499),
    "dog food": ("Dog food 800 g", 219), "eggs": ("Eggs 10 pcs", 329), "fish": ("Salmon fillet 250 g", 699),
    "flour": ("Wheat flour 1 kg", 99), "frozen pizza": ("Frozen pizza", 289), "gloves": ("Garden gloves", 599),
    "hammer": ("Claw hammer", 1299), "honey": ("Honey 500 g", 549), "ice cream": ("Vanilla ice cream 1 l", 399),
    "jam": ("Strawberry jam 340 g", 229), "juice": ("Orange juice 1 l", 249), "knife": ("Kitchen knife 20 cm", 1999),
    "light bulb": ("LED bulb E27", 499), "magazine": ("Weekly magazine", 380), "milk": ("Milk 1 l", 119),
    "nails": ("Nails 500 g", 459), "nappies": ("Nappies 40 pcs", 895), "oil": ("Olive oil 0.75 l", 899),
    "onions": ("Onions 1 kg", 149), "pan": ("Frying pan 28 cm", 2499), "paper towels": ("Paper towels 4 rolls", 295),
    "pasta": ("Spaghetti 500 g", 99), "perfume": ("Eau de toilette 50 ml", 2995), "potatoes": ("Potatoes 2 kg", 279),
    "potting soil": ("Potting soil 20 l", 449), "razor blades": ("Razor blades 8 pcs", 1795),
    "rice": ("Basmati rice 1 kg", 289), "rope": ("Polypropylene rope 10 m", 749), "sack": ("Jute sacks 5 pcs", 899),
    "screwdriver": ("Screwdriver PH2", 599), "shampoo": ("Shampoo 300 ml", 295), "soap": ("Hand soap 500 ml", 195),
    "spirits": ("Gin 0.7 l", 1699), "sugar": ("Sugar 1 kg", 129), "tape": ("Packing tape", 299),
    "tea": ("Black tea 50 bags", 279), "tomatoes": ("Tomatoes 500 g", 229), "toothpaste": ("Toothpaste 75 ml", 145),
    "umbrella": ("Umbrella", 1299), "water": ("Mineral water 6 x 1.5 l", 299), "wine": ("Red wine 0.75 l", 599),
    "yoghurt": ("Yoghurt 500 g", 109),
}  # fmt: skip
FIRST_OF_COMBINATION = "knife"
SECOND_OF_COMBINATION = ("rope", "sack", "hammer")
_QUANTITY_MAX = 3
_EVERYDAY = tuple(sorted(set(ASSORTMENT) - {FIRST_OF_COMBINATION, *SECOND_OF_COMBINATION}))
_NAMED_PERMILLE = 60  # who buys a single one of the combination's goods is nothing rare


def everyday(draws: Draws, count: int) -> list[BasketLine]:
    """So many different goods of the everyday kind, or now and then one that a combination names."""
    chosen = draws.sample(_EVERYDAY, count)
    if draws.chance(_NAMED_PERMILLE):
        chosen.append(draws.pick((FIRST_OF_COMBINATION, *SECOND_OF_COMBINATION)))
    return [line(category, draws.whole(1, _QUANTITY_MAX)) for category in chosen]


def with_everyday(draws: Draws, categories: list[str], others: int) -> list[BasketLine]:
    """The named goods among so many everyday ones."""
    chosen = draws.sample([*categories, *draws.sample(_EVERYDAY, others)], len(categories) + others)
    return [line(category) for category in chosen]


def line(category: str, quantity: int = 1) -> BasketLine:
    """One line of a receipt."""
    article, price_cents = ASSORTMENT[category]
    return BasketLine(article, category, quantity, price_cents)
