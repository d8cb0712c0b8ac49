"""What the types of a site cannot say: names that must meet, polygons, homographies, settings that contradict."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import combinations
from math import sqrt
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from features.events import PIXEL_LIMIT
from features.site import Camera, Combination, Hours, Memory, Point, Thresholds, Till, Timing, Zone
from streams.site_text import fields_of, one_of

DAY_S = 86_400
SINGULAR = 1e-12  # of the product of the rows' lengths; below it a determinant is rounding
LOITERING_COUNTS = ("shelf", "exit", "restricted")

Item = dict[str, Any]
Corner = tuple[int, int]
Matrix = Sequence[Sequence[float]]


class Finding(NamedTuple):
    """Something wrong with the value at a path; with `warning` only doubtful."""

    field: str
    expected: str
    got: str
    warning: bool = False


Findings = Iterator[Finding]


def findings(site: object) -> Findings:
    """Everything wrong with a site's plain value; what does not fit its type is left out."""
    if isinstance(site, dict):
        for rule in (_repeated_names, _tills, _zones, _hours, _combinations, _thresholds, _timing):
            yield from rule(site)


def _items(owner: Item, key: str) -> Iterator[tuple[int, Item]]:
    listed = owner.get(key)
    return ((at, item) for at, item in enumerate(listed if isinstance(listed, list) else []) if isinstance(item, dict))


def _named(owner: Item, key: str) -> Iterator[tuple[int, Item]]:
    return ((at, item) for at, item in _items(owner, key) if isinstance(item.get("name"), str))


def _fields(item: object, kind: type[Struct]) -> Item:
    """The fields of an item that fit their types, and the defaults of those left out."""
    given = item if isinstance(item, dict) else {}
    fitting: Item = {}
    for each in fields_of(kind):
        with suppress(msgspec.ValidationError):
            value = given.get(each.encode_name, None if each.required else each.default)
            fitting[each.encode_name] = msgspec.convert(value, each.type)
    return fitting


def _repeated_names(site: Item) -> Findings:
    yield from _repeated(site, "cameras", "$", lambda item: item.get("name"))
    yield from _repeated(site, "combinations", "$", lambda item: item.get("name"))
    yield from _repeated(site, "tills", "$", lambda item: (item.get("store"), item.get("name")))
    for at, camera in _items(site, "cameras"):
        yield from _repeated(camera, "zones", f"$.cameras[{at}]", lambda item: item.get("name"))


def _repeated(owner: Item, key: str, path: str, name: Callable[[Item], object]) -> Findings:
    first: dict[object, str] = {}
    for at, item in _named(owner, key):
        here = f"{path}.{key}[{at}]"
        if (before := first.setdefault(name(item), here)) != here:
            yield Finding(f"{here}.name", f"each name once in {key}", f"{item['name']} again, first at {before}")


def _tills(site: Item) -> Findings:
    kinds: dict[str, dict[str, str]] = {}
    for _, camera in _named(site, "cameras"):
        zones = {zone["name"]: str(zone.get("kind")) for _, zone in _named(camera, "zones")}
        kinds.setdefault(camera["name"], {}).update(zones)
    used = set()
    for at, item in _items(site, "tills"):
        till = _fields(item, Till)
        used.add((till.get("camera"), till.get("zone")))
        if {"camera", "zone"} <= till.keys():
            yield from _till(f"$.tills[{at}]", till["camera"], till["zone"], kinds)
    yield from _zones_without_till(site, used)


def _zones_without_till(site: Item, used: set[tuple[str | None, str | None]]) -> Findings:
    for at, camera in _items(site, "cameras"):
        for bit, zone in _items(camera, "zones"):
            if zone.get("kind") == "till" and (camera.get("name"), zone.get("name")) not in used:
                field = f"$.cameras[{at}].zones[{bit}]"
                yield Finding(field, "a till that names this zone", "none: purchases cannot find it", warning=True)


def _till(path: str, camera: str, zone: str, kinds: dict[str, dict[str, str]]) -> Findings:
    if camera not in kinds:
        expected = one_of(camera, list(kinds)) if kinds else "a camera of the site, which has none"
        yield Finding(f"{path}.camera", expected, f"the unknown camera {camera}")
    elif (kind := kinds[camera].get(zone)) != "till":
        tills = [each for each, kind in kinds[camera].items() if kind == "till"]
        expected = one_of(zone, tills) if tills else f"a zone of kind till, of which {camera} has none"
        yield Finding(f"{path}.zone", expected, f"{zone} of kind {kind}" if kind else f"the unknown zone {zone}")


def _zones(site: Item) -> Findings:
    for at, item in _items(site, "cameras"):
        path = f"$.cameras[{at}]"
        homography = _fields(item, Camera).get("homography")
        if homography and not _regular(homography):
            yield Finding(f"{path}.homography", "a matrix with an inverse", "a singular one")
            homography = None
        for bit, entry in _items(item, "zones"):
            zone, here = _fields(entry, Zone), f"{path}.zones[{bit}]"
            yield from _outline(here, zone, homography)
            yield from _without_effect(here, zone)


def _outline(path: str, zone: Item, homography: Matrix | None) -> Findings:
    polygon, face = zone.get("polygon", []), zone.get("face")
    points = [*polygon, face] if face else polygon
    if not all(-PIXEL_LIMIT <= value <= PIXEL_LIMIT for point in points for value in point):
        yield Finding(path, f"pixels from -{PIXEL_LIMIT} to {PIXEL_LIMIT}", "a point beyond")
        return
    if flaw := _flaw([(round(x * 1_024), round(y * 1_024)) for x, y in polygon]):
        yield Finding(f"{path}.polygon", *flaw)
    if homography and not _on_ground(points, homography):
        yield Finding(path, "points that the homography puts on the ground", "points at or beyond the horizon")


def _without_effect(path: str, zone: Item) -> Findings:
    kind = zone.get("kind", "shelf")
    if zone.get("face") and kind != "shelf":
        yield Finding(f"{path}.face", "a face at shelves only", f"one at kind {kind}", warning=True)
    if zone.get("loiter_after_s") and kind not in LOITERING_COUNTS:
        got = f"one at kind {kind}, where nobody loiters"
        yield Finding(f"{path}.loiter_after_s", "a threshold where staying counts", got, warning=True)


def _flaw(corners: Sequence[Corner]) -> tuple[str, str] | None:
    """What was expected and what came, of a polygon that is not a simple one."""
    count = len(corners)
    if len(set(corners)) < count:
        twice = next(at for at, corner in enumerate(corners) if corner in corners[:at])
        return "each corner once; the polygon closes itself", f"corner {twice + 1} again"
    edges = [(corner, corners[(at + 1) % count]) for at, corner in enumerate(corners)]
    for one, other in combinations(range(count), 2):
        if other - one not in {1, count - 1} and _touch(*edges[one], *edges[other]):
            return "a polygon whose edges do not cross", f"edges {one + 1} and {other + 1} that do"
    if count == 3 and _turn(*corners) == 0:  # noqa: PLR2004 - with more corners on a line, edges touch
        return "a polygon with an area", "three corners on a line"
    return None


def _turn(a: Corner, b: Corner, c: Corner) -> int:
    """Twice the signed area of the triangle."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _within(a: Corner, b: Corner, c: Corner) -> bool:
    """Whether c, on the line of a and b, lies between them."""
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])


def _touch(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    """Whether the segments ab and cd share a point.

    Source: Cormen et al., Introduction to Algorithms, SEGMENTS-INTERSECT.
    """
    of_c, of_d, of_a, of_b = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if of_c * of_d < 0 and of_a * of_b < 0:
        return True
    on_ab = any(turn == 0 and _within(a, b, point) for turn, point in ((of_c, c), (of_d, d)))
    return on_ab or any(turn == 0 and _within(c, d, point) for turn, point in ((of_a, a), (of_b, b)))


def _regular(matrix: Matrix) -> bool:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    lengths = [sqrt(x * x + y * y + z * z) for x, y, z in matrix]
    return abs(determinant) > SINGULAR * lengths[0] * lengths[1] * lengths[2]


def _on_ground(points: Sequence[Point], matrix: Matrix) -> bool:
    """Whether the horizon, where the homography's divisor is 0, leaves all points on one side."""
    g, h, i = matrix[2]
    divisors = [g * x + h * y + i for x, y in points]
    return all(divisor > 0 for divisor in divisors) or all(divisor < 0 for divisor in divisors)


def _hours(site: Item) -> Findings:
    for at, item in _items(site, "opt_out_hours"):
        hours = _fields(item, Hours)
        if hours.keys() >= {"start", "end"} and hours["start"] >= hours["end"]:
            expected = f"an hour after {hours['start']}; a span over Sunday midnight is two"
            yield Finding(f"$.opt_out_hours[{at}].end", expected, str(hours["end"]))


def _combinations(site: Item) -> Findings:
    memory = _fields(site.get("memory"), Memory)
    days = memory.get("days", 0) if memory.get("customers") else 1
    for at, item in _items(site, "combinations"):
        combination, path = _fields(item, Combination), f"$.combinations[{at}]"
        for step, labels in enumerate(combination.get("steps", [])):
            if not all(label.strip() for label in labels):
                yield Finding(f"{path}.steps[{step}]", "categories", "one of white space only")
        if days and combination.get("window_s", 0) > days * DAY_S:
            expected = f"at most {days * DAY_S}, the time baskets are remembered"
            yield Finding(f"{path}.window_s", expected, str(combination["window_s"]), warning=True)


def _thresholds(site: Item) -> Findings:
    limits = _fields(site.get("thresholds"), Thresholds)
    yield from _above(limits, "restricted_loiter_after_s", "loiter_after_s", "$.thresholds")


def _timing(site: Item) -> Findings:
    limits = _fields(site.get("timing"), Timing)
    yield from _above(limits, "pose_allowance_ms", "track_silence_ms", "$.timing")
    yield from _above(limits, "track_silence_ms", "camera_silence_ms", "$.timing")


def _above(limits: Item, lower: str, upper: str, path: str) -> Findings:
    """A warning where the setting that should be the lower one is above the other."""
    if limits.keys() >= {lower, upper} and limits[lower] > limits[upper]:
        expected = f"at most {upper}, {limits[upper]}"
        yield Finding(f"{path}.{lower}", expected, str(limits[lower]), warning=True)
