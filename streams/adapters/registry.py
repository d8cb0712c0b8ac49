"""The data sets that can be imported, by name."""

from streams.adapters import caviar, meva, pets, poselift, purchases
from streams.adapters.imported import Importer
from streams.adapters.opentraj import Edinburgh, Obsmat, import_grand_central

IMPORTERS: dict[str, Importer] = {
    "poselift-train": poselift.import_train,
    "poselift-dev": poselift.import_dev,
    "eth": Obsmat("eth", "ETH/seq_eth", frames_per_sample=6),
    "hotel": Obsmat("hotel", "ETH/seq_hotel", frames_per_sample=10),
    "zara01": Obsmat("zara01", "UCY/zara01", frames_per_sample=10),
    "students03": Obsmat("students03", "UCY/students03", frames_per_sample=10),
    "edinburgh-01jul": Edinburgh("edinburgh-01jul", "01Jul"),
    "edinburgh-01aug": Edinburgh("edinburgh-01aug", "01Aug"),
    "grand-central": import_grand_central,
    "pets-s2l1": pets.import_s2l1,
    "caviar": caviar.import_lobby,
    "meva": meva.import_clips,
    "complete-journey": purchases.import_complete_journey,
    "bread-basket": purchases.import_bread_basket,
    "groceries": purchases.import_groceries,
    "ta-feng": purchases.import_tafeng,
}

_FOLDERS = {"poselift": "poselift", "caviar": "caviar_rtec", "meva": "meva_subset"}
PURCHASES = ("complete-journey", "bread-basket", "groceries", "ta-feng")


def folder_of(name: str) -> str:
    """The folder of a data set among the public data sets."""
    if name in PURCHASES:
        return "purchases"
    return _FOLDERS.get(name.partition("-")[0], "opentraj")
