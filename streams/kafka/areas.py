"""Areas: what belongs together at a site, and the partition in which all of it arrives.

Everything of one area is taken in by one worker in one order: its cameras see the same persons, and its tills are paid
at by them. A message's key is its area, and the partition that of Kafka's own default partitioner (murmur2).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from kafka.partitioner.default import murmur2

from features.events import Disposition, IdentityChange, Purchase, Rejection
from features.site import Site

Fact = Purchase | IdentityChange | Disposition


@lru_cache(maxsize=16_384)
def partition_of(area: str, partitions: int) -> int:
    """The partition of an area, as Kafka's default partitioner chooses it for the area as a key."""
    number: int = (murmur2(area.encode()) & 0x7FFFFFFF) % partitions
    return number


@dataclass(frozen=True, slots=True)
class Areas:
    """The areas of a site.

    Attributes:
        of_camera: the area of each camera.
        of_till: the area of each (store, till).
        of_rest: the area of tills and persons that the site does not know.
        partitions: among which areas are spread.
    """

    of_camera: dict[str, str]
    of_till: dict[tuple[str, str], str]
    of_rest: str
    partitions: int

    @classmethod
    def of(cls, site: Site, partitions: int) -> Self:
        """The areas of a site; what is not said to be of any is of one named after the site."""
        of_camera = {camera.name: camera.area or site.name for camera in site.cameras}
        of_till = {(till.store, till.name): of_camera[till.camera] for till in site.tills}
        return cls(of_camera, of_till, next(iter(of_camera.values()), site.name), partitions)

    def of_poses(self, camera: str) -> str:
        """The area of a camera.

        Raises:
            Rejection: the site has no such camera.
        """
        if camera not in self.of_camera:
            raise Rejection("camera", "a camera of the site", camera)
        return self.of_camera[camera]

    def of_fact(self, fact: Fact) -> str:
        """The area a fact belongs to.

        Raises:
            Rejection: an identity change is about cameras of two areas.
        """
        if isinstance(fact, Purchase):
            return self.of_till.get((fact.store, fact.till), self.of_rest)
        if isinstance(fact, Disposition):
            return self.of_camera.get(fact.person.partition("/")[0], self.of_rest)
        area = self.of_camera.get(fact.camera, self.of_rest)
        other = self.of_camera.get(fact.other_camera or fact.camera, self.of_rest)
        if other != area:
            raise Rejection("$.other_camera", f"a camera of area {area}", f"{fact.other_camera} of area {other}")
        return area

    def check_partition(self, area: str, partition: int) -> None:
        """Whether something of an area may arrive in a partition.

        Raises:
            Rejection: it belongs into another.
        """
        expected = partition_of(area, self.partitions)
        if partition != expected:
            wanted = f"partition {expected}, where Kafka's default partitioner (murmur2) puts the key {area}"
            raise Rejection("partition", wanted, f"partition {partition}")

    def of_partition(self, partition: int) -> set[str]:
        """The areas whose events arrive in a partition."""
        known = {self.of_rest, *self.of_camera.values()}
        return {area for area in known if partition_of(area, self.partitions) == partition}
