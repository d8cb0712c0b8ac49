"""The premises of the scenarios: a shop floor and a back corridor, in metres, and the site their cameras see."""

from dataclasses import dataclass

from features.site import Camera, Combination, Site, Till, Zone, ZoneKind
from models.scenarios.optics import Panel, Pinhole, Point, Point3, outline

STORE = "store"
FLOOR, CORRIDOR = 0, 1
SHELF_TOP_M = 1.8
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the ground, metres."""

    left: float
    near: float
    right: float
    far: float

    def corners(self, height_m: float = 0.0) -> list[Point3]:
        """Its corners in order, so high above the ground."""
        ground = ((self.left, self.near), (self.right, self.near), (self.right, self.far), (self.left, self.far))
        return [(x, y, height_m) for x, y in ground]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Goods along a wall.

    Attributes:
        name: of its zone.
        zone: from the wall to where its customers stand.
        spots: where they stand to reach the goods.
        goods: a point of the wall.
    """

    name: str
    zone: Area
    spots: Area
    goods: Point


@dataclass(frozen=True, slots=True)
class Premises:
    """What one camera films.

    Attributes:
        camera: its place in the site.
        entries: doors, each with the place just inside it.
        restricted: spots at the restricted door.
        door: the restricted door.
        waiting: spots of the waiting zone.
        open_floor: spots in no zone.
        aisle: where one can walk to and fro.
        door_aisle: the same, past the restricted door.
    """

    camera: int
    entries: tuple[tuple[Point, Point], ...]
    restricted: Area
    door: Point
    waiting: Area
    open_floor: Area
    aisle: Area
    door_aisle: Area


PINHOLES = (
    Pinhole(3.0, 28, 1_100, 1_920, 1_080, (Panel(-3.4, -2.4, 4.4, 1.35),)),
    Pinhole(2.7, 20, 800, 1_280, 720, (Panel(-3.0, -2.5, 4.4, 2.3),)),
)
SHELVES = (
    Shelf("shelf-tools", Area(-4.8, 5.2, -3.3, 7.4), Area(-4.1, 5.7, -3.8, 7.1), (-4.8, 6.3)),
    Shelf("shelf-kitchen", Area(-4.8, 7.8, -3.3, 10.2), Area(-4.1, 8.2, -3.8, 9.8), (-4.8, 9.0)),
    Shelf("shelf-beauty", Area(-2.6, 10.6, -0.2, 12.0), Area(-2.2, 11.0, -0.6, 11.3), (-1.4, 12.0)),
    Shelf("shelf-spirits", Area(0.0, 10.6, 1.8, 12.0), Area(0.3, 11.0, 1.5, 11.3), (0.9, 12.0)),
)
TILLS = (("till-1", Area(2.3, 5.2, 2.9, 5.9)), ("till-2", Area(2.3, 6.9, 2.9, 7.6)))
QUEUE = Area(0.7, 5.3, 1.6, 7.5)
WASHROOMS = Area(4.5, 6.6, 5.3, 8.0)
PREMISES = (
    Premises(
        camera=FLOOR,
        entries=(((5.5, 11.0), (4.0, 9.2)), ((-2.2, 3.4), (-1.0, 6.2))),
        restricted=Area(2.5, 11.0, 3.3, 11.5),
        door=(2.9, 12.0),
        waiting=Area(-1.6, 4.4, -0.6, 5.4),
        open_floor=Area(-1.8, 8.2, 0.8, 9.8),
        aisle=Area(-2.8, 8.4, 2.0, 9.6),
        door_aisle=Area(-0.6, 10.8, 4.0, 11.2),
    ),
    Premises(
        camera=CORRIDOR,
        entries=(((-3.7, 5.2), (-3.0, 5.3)), ((3.7, 5.2), (3.0, 5.3))),
        restricted=Area(0.0, 6.1, 1.6, 6.7),
        door=(0.8, 7.2),
        waiting=Area(-3.1, 6.2, -2.2, 6.8),
        open_floor=Area(-1.8, 5.0, 2.6, 5.6),
        aisle=Area(-3.0, 4.9, 3.0, 5.5),
        door_aisle=Area(-2.0, 6.1, 3.2, 6.5),
    ),
)
_FLOOR_ZONES: tuple[tuple[str, ZoneKind, Area], ...] = (
    ("till-1", "till", Area(2.0, 4.9, 3.3, 6.2)),
    ("till-2", "till", Area(2.0, 6.6, 3.3, 7.9)),
    ("queue", "queue", Area(0.3, 4.9, 1.9, 7.9)),
    ("bench", "waiting", Area(-1.9, 4.1, -0.3, 5.7)),
    ("main-exit", "exit", Area(4.4, 9.8, 6.2, 12.0)),
    ("side-exit", "exit", Area(-2.9, 3.0, -1.6, 4.0)),
    ("stockroom-door", "restricted", Area(2.1, 10.6, 3.7, 12.0)),
    ("washrooms", "opt-out", Area(4.2, 6.2, 5.8, 8.4)),
)
_CORRIDOR_ZONES: tuple[tuple[str, ZoneKind, Area], ...] = (
    ("back-door", "restricted", Area(-0.4, 5.8, 2.0, 7.2)),
    ("chairs", "waiting", Area(-3.5, 5.9, -1.9, 7.2)),
    ("west-end", "exit", Area(-4.6, 4.4, -3.2, 5.9)),
    ("east-end", "exit", Area(3.2, 4.4, 4.6, 6.2)),
)


def site() -> Site:
    """The site: the floor camera is calibrated, the corridor's is not."""
    floor, corridor = PINHOLES
    shelves = [_shelf_zone(floor, shelf) for shelf in SHELVES]
    return Site(
        name="scenario",
        cameras=[
            Camera("floor", [*_ground_zones(floor, _FLOOR_ZONES), *shelves], floor.homography()),
            Camera("corridor", _ground_zones(corridor, _CORRIDOR_ZONES)),
        ],
        tills=[Till(name, STORE, "floor", name) for name, _ in TILLS],
        combinations=[Combination("knife-then-rope", [["knife"], ["rope", "sack", "hammer"]], DAY_S, level=2)],
    )


def _ground_zones(pinhole: Pinhole, zones: tuple[tuple[str, ZoneKind, Area], ...]) -> list[Zone]:
    return [Zone(name, kind, [pinhole.pixel(corner) for corner in area.corners()]) for name, kind, area in zones]


def _shelf_zone(pinhole: Pinhole, shelf: Shelf) -> Zone:
    """The outline of the space from the ground to the highest goods, so that it holds feet and reaching hands."""
    corners = [*shelf.zone.corners(), *shelf.zone.corners(SHELF_TOP_M)]
    polygon = outline([pinhole.pixel(corner) for corner in corners])
    return Zone(shelf.name, "shelf", polygon, face=pinhole.pixel((*shelf.goods, 0.0)))
