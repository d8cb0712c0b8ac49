"""Shop baskets: Complete Journey, Bread Basket, Groceries and Ta-Feng."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from features.events import BasketLine, Purchase, Rejection, parse_event
from features.site import Site
from streams.adapters.imported import Imported, reading
from streams.adapters.trajectories import note
from streams.recording import RecordingWriter

TILL = "till"
UNKNOWN = "unknown"
NOT_RECORDED = "NONE"
OPENING_MS = 8 * 3_600_000
OPEN_MS = 12 * 3_600_000
DAY_MS = 86_400_000
TAFENG_START = datetime(2000, 11, 1, tzinfo=UTC)

_NUMBERS = ("household_id", "store_id", "basket_id", "product_id")

Row = dict[str, str]
Categories = dict[str, str]


def import_complete_journey(source: Path, target: Path) -> Imported:
    """Households of a grocery chain; a basket's rows stay lines of their own."""
    categories = _read_categories(source / "completejourney_products.csv.gz")
    path = source / "completejourney_transactions_sample.csv.gz"
    notes: list[str] = []
    with reading(path, "columns household_id, store_id, basket_id, product_id, quantity, sales_value and a timestamp"):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = [row | {name: _whole(row[name]) for name in _NUMBERS} for row in csv.DictReader(file)]
        purchases = [_journey_basket(basket, categories) for basket in _grouped(rows, "basket_id")]
    note(notes, sum(row["product_id"] not in categories for row in rows), "rows of unlisted products: category unknown")
    note(notes, sum(float(row["quantity"]) == 0 for row in rows), "rows of quantity 0: kept")
    return _write(target, "complete-journey", purchases, notes)


def _read_categories(path: Path) -> Categories:
    with reading(path, "columns product_id, department and product_category"):  # noqa: SIM117 - one error text for both
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            return {_whole(row["product_id"]): _category(row) for row in csv.DictReader(file)}


def _whole(number: str) -> str:
    """A number in digits; the source's writer has made 4.0128e+10 and 9e+05 of some."""
    return number if number.isdecimal() else str(int(float(number)))


def _category(row: Row) -> str:
    return row["product_category"] or row["department"] or UNKNOWN


def _journey_basket(rows: list[Row], categories: Categories) -> Purchase:
    first = rows[0]
    time_ms = _utc_ms(first["transaction_timestamp"], "%Y-%m-%d %H:%M:%S")
    lines = [_journey_line(row, categories.get(row["product_id"], UNKNOWN)) for row in rows]
    return Purchase(first["basket_id"], time_ms, first["store_id"], TILL, lines, customer=first["household_id"])


def _journey_line(row: Row, category: str) -> BasketLine:
    return BasketLine(
        row["product_id"], category, round(float(row["quantity"])), round(float(row["sales_value"]) * 100)
    )


def import_bread_basket(source: Path, target: Path) -> Imported:
    """A bakery; items of one kind become a line with their number."""
    path = source / "BreadBasket_DMS.csv"
    with reading(path, "columns Date, Time, Transaction and Item"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        known = [row for row in rows if row["Item"] != NOT_RECORDED]
        purchases = [_bread_basket(basket) for basket in _grouped(known, "Transaction")]
    notes: list[str] = []
    note(notes, len(rows) - len(known), f"rows of item {NOT_RECORDED}, not recorded: left out")
    without = len({row["Transaction"] for row in rows}) - len(purchases)
    note(notes, without, f"baskets of nothing but {NOT_RECORDED}: left out")
    return _write(target, "bread-basket", purchases, notes)


def _bread_basket(rows: list[Row]) -> Purchase:
    time_ms = _utc_ms(f"{rows[0]['Date']} {rows[0]['Time']}", "%Y-%m-%d %H:%M:%S")
    return Purchase(rows[0]["Transaction"], time_ms, "bakery", TILL, _counted(row["Item"] for row in rows))


def import_groceries(source: Path, target: Path) -> Imported:
    """Members of a grocery; all a member bought in a day is a basket, at a time of day that is made up."""
    path = source / "Groceries_dataset.csv"
    with reading(path, "rows of member, day-month-year, item"), path.open(encoding="utf-8", newline="") as file:
        items: dict[tuple[int, str], list[str]] = {}
        for member, day, item in csv.reader(file):
            items.setdefault((_utc_ms(day, "%d-%m-%Y"), member), []).append(item)
    baskets = sorted(items, key=lambda key: (key[0], int(key[1])))
    times = _spread([day_ms for day_ms, _ in baskets])
    purchases = [
        _made_up(f"{member}-{day_ms // DAY_MS}", time_ms, "grocery", member, items[day_ms, member])
        for (day_ms, member), time_ms in zip(baskets, times, strict=True)
    ]
    return _write(target, "groceries", purchases, ["times of day are made up: a day's baskets spread from 8 to 20 h"])


def import_tafeng(source: Path, target: Path) -> Imported:
    """Customers of Ta-Feng and their baskets in order; the n-th of each is put on day n, as no times are given."""
    path = source / "tafeng_merged.json"
    with reading(path, "an object of customers, each with a list of baskets of item numbers"):
        customers = msgspec.json.decode(path.read_bytes(), type=dict[int, list[list[int]]])
    start_ms = int(TAFENG_START.timestamp()) * 1_000
    visits = sorted((nth, customer) for customer, baskets in customers.items() for nth in range(len(baskets)))
    times = _spread([start_ms + nth * DAY_MS for nth, _ in visits])
    purchases = [
        _made_up(f"{customer}-{nth}", time_ms, "ta-feng", str(customer), map(str, customers[customer][nth]))
        for (nth, customer), time_ms in zip(visits, times, strict=True)
    ]
    return _write(target, "ta-feng", purchases, ["times are made up: a customer's n-th basket on day n"])


def _made_up(receipt: str, time_ms: int, store: str, customer: str, articles: Iterable[str]) -> Purchase:
    return Purchase(receipt, time_ms, store, TILL, _counted(articles), customer=customer)


def _spread(days_ms: list[int]) -> list[int]:
    """A time for each basket of the ascending days, evenly over the opening hours of its day."""
    per_day, before = Counter(days_ms), Counter[int]()
    times = []
    for day_ms in days_ms:
        times.append(day_ms + OPENING_MS + before[day_ms] * OPEN_MS // per_day[day_ms])
        before[day_ms] += 1
    return times


def _grouped(rows: list[Row], column: str) -> Iterator[list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return iter(groups.values())


def _counted(articles: Iterable[str]) -> list[BasketLine]:
    return [BasketLine(article, article, number) for article, number in Counter(articles).items()]


def _utc_ms(text: str, form: str) -> int:
    return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) * 1_000


def _write(target: Path, name: str, purchases: list[Purchase], notes: list[str]) -> Imported:
    refused: Counter[str] = Counter()
    accepted = [each for each in sorted(purchases, key=lambda each: each.time_ms) if _accepted(each, refused)]
    for reason, count in refused.items():
        note(notes, count, f"baskets left out: {reason}")
    with RecordingWriter(target, Site(name=name)) as recording:
        for purchase in accepted:
            recording.event(purchase)
    customers = {purchase.customer for purchase in accepted} - {None}
    return Imported(purchases=len(accepted), persons=len(customers), notes=notes)


def _accepted(purchase: Purchase, refused: Counter[str]) -> bool:
    try:
        parse_event(msgspec.json.encode(purchase))
    except Rejection as rejection:
        refused[str(rejection)] += 1
        return False
    return True
