"""Areas: which belong together, and where what is of them must arrive."""

import pytest

from features.events import BasketLine, Disposition, IdentityChange, Purchase, Rejection
from features.site import Camera, Site, Till, Zone
from streams.kafka.areas import Areas, partition_of

SQUARE = [(0.0, 0.0), (9.0, 0.0), (9.0, 9.0)]
SITE = Site(
    "chain",
    cameras=[Camera("a1", [Zone("till", "till", SQUARE)], area="north"), Camera("b1", area="south"), Camera("c1")],
    tills=[Till("1", "shop-a", "a1", "till")],
)
AREAS = Areas.of(SITE, 12)


@pytest.mark.parametrize(
    ("area", "hashed"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)],
)
def test_an_area_arrives_where_kafka_s_own_clients_put_its_key(area: str, hashed: int) -> None:
    """The hashes are those of the tests of Kafka's client for Java, `UtilsTest.testMurmur2`."""
    assert partition_of(area, 12) == (hashed & 0x7FFFFFFF) % 12


def test_what_is_of_no_area_is_of_the_site_s() -> None:
    assert AREAS.of_poses("c1") == "chain"
    assert AREAS.of_poses("a1") == "north"


def test_facts_are_of_the_area_of_what_they_name() -> None:
    lines = [BasketLine("x", "bread")]
    assert AREAS.of_fact(Purchase("r", 1, "shop-a", "1", lines)) == "north"
    assert AREAS.of_fact(Purchase("r", 1, "shop-x", "1", lines)) == "north"
    assert AREAS.of_fact(Disposition("d", 1, "b1/7/100", "agree", "who")) == "south"
    assert AREAS.of_fact(IdentityChange("i", "link", 1, "b1", 1, "b1", 2)) == "south"


def test_persons_of_two_areas_are_never_joined() -> None:
    with pytest.raises(Rejection, match=r"\$\.other_camera: expected a camera of area north, got b1 of area south"):
        AREAS.of_fact(IdentityChange("i", "link", 1, "a1", 1, "b1", 2))


def test_an_unknown_camera_and_a_wrong_partition_are_refused() -> None:
    with pytest.raises(Rejection, match="camera: expected a camera of the site, got z9"):
        AREAS.of_poses("z9")
    right = partition_of("north", 12)
    AREAS.check_partition("north", right)
    with pytest.raises(Rejection, match=f"expected partition {right}.*murmur2.*north.*got partition {right + 1}"):
        AREAS.check_partition("north", right + 1)


def test_every_area_is_in_one_partition() -> None:
    found = [AREAS.of_partition(partition) for partition in range(12)]
    assert sorted(area for areas in found for area in areas) == ["chain", "north", "south"]
