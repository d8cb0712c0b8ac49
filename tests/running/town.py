"""A town: several shops of made-up visits as the areas of one site, and the messages that play it into Kafka."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

import msgspec
import numpy as np

from features.events import Disposition, IdentityChange, Purchase, Rejection
from features.keypoints import PersonFrames
from features.site import Camera, Site, Till
from models.scenarios.generate import Scenario, Visit, generate
from streams.kafka.areas import Areas, partition_of
from streams.kafka.erasure import Erasure
from streams.kafka.outgoing import Outgoing, messages
from streams.kafka.playing import closed
from streams.kafka.pose_messages import Poses, person_frames
from streams.kafka.taken import Reader
from streams.settings import Produce
from streams.sources import Fact, Item, merge

PARTITIONS = 4
LINKS = 3  # of an area
JUDGED = 3


@dataclass(frozen=True)
class Town:
    """A site of several areas, what its cameras saw, and the facts that arrive, each with the time of its arrival."""

    site: Site
    frames: PersonFrames
    facts: list[tuple[int, Fact]]

    @property
    def areas(self) -> Areas:
        """Its areas and their partitions."""
        return Areas.of(self.site, PARTITIONS)

    def items(self) -> Iterator[Item]:
        """Everything in the order of its arrival."""
        return merge([iter(self.facts), iter([(int(self.frames.time_ms[0]), self.frames)])])

    def messages(self, produce: Produce) -> list[Outgoing]:
        """Everything as messages, closed at the end."""
        return list(messages(closed(self.items(), self.site, self.areas), self.areas, produce))

    def tardy(self, seed: int) -> "Town":
        """The same where facts come late, within what is allowed."""
        random, most_ms = Random(seed), self.site.timing.fact_allowance_ms * 3 // 4
        facts: list[tuple[int, Fact]] = [(time_ms + random.randint(0, most_ms), fact) for time_ms, fact in self.facts]
        return replace(self, facts=sorted(facts, key=lambda pair: pair[0]))


def area_names(count: int) -> list[str]:
    """Names of areas that arrive in the partitions 0, 1 and so on."""
    names = dict[int, str]()
    for number in range(1_000):
        names.setdefault(partition_of(f"shop-{number}", PARTITIONS), f"shop-{number}")
    return [names[partition] for partition in range(count)]


@cache
def town(seed: int, visits: int, areas: int = PARTITIONS) -> Town:
    """A town of up to as many areas as partitions, each with so many arrivals and what was found out about them."""
    names = area_names(areas)
    scenarios = [generate(seed * 100 + number, visits) for number in range(areas)]
    sites = [_renamed(scenario.site, name) for scenario, name in zip(scenarios, names, strict=True)]
    cameras = [camera for site in sites for camera in site.cameras]
    site = msgspec.structs.replace(
        scenarios[0].site, name="town", cameras=cameras, tills=[till for site in sites for till in site.tills]
    )
    facts = [
        fact
        for scenario, name in zip(scenarios, names, strict=True)
        for fact in (*_purchases(scenario, name), *_found_out(scenario, name, Random(seed)))
    ]
    ordered = sorted(((fact.time_ms, fact) for fact in facts), key=lambda pair: pair[0])
    return Town(site, _frames(scenarios), ordered)


def _renamed(site: Site, area: str) -> Site:
    cameras = [Camera(f"{area}-{camera.name}", camera.zones, camera.homography, area) for camera in site.cameras]
    tills = [Till(till.name, area, f"{area}-{till.camera}", till.zone) for till in site.tills]
    return msgspec.structs.replace(site, cameras=cameras, tills=tills)


def _frames(scenarios: Sequence[Scenario]) -> PersonFrames:
    cameras = len(scenarios[0].site.cameras)
    last_ms = min(int(one.frames.time_ms[-1]) for one in scenarios)
    shifted = [
        replace(one.frames, camera=one.frames.camera + np.int32(cameras * number))
        for number, one in enumerate(scenarios)
    ]
    together = PersonFrames.concatenate(shifted)
    order = np.lexsort((together.track, together.camera, together.time_ms))
    ordered = together.take(order)
    return ordered.take(ordered.time_ms <= last_ms)


def _purchases(scenario: Scenario, area: str) -> list[Purchase]:
    return [msgspec.structs.replace(one, store=area, receipt=f"{area}-{one.receipt}") for one in scenario.purchases]


def _found_out(scenario: Scenario, area: str, random: Random) -> list[Fact]:
    """Some visits to both cameras turn out to be one person's, and some persons are judged."""
    floor, corridor = ([visit for visit in scenario.truth if visit.camera == camera] for camera in (0, 1))
    pairs = list(zip(floor, corridor, strict=False))[:LINKS]
    links: list[Fact] = [_link(area, number, here, there, random) for number, (here, there) in enumerate(pairs)]
    return links + [_verdict(area, visit, scenario) for visit in scenario.truth[:JUDGED]]


def _link(area: str, number: int, here: Visit, there: Visit, random: Random) -> IdentityChange:
    seen, other = here.sightings[0], there.sightings[0]
    return IdentityChange(
        change=f"{area}-c{number}",
        kind="link",
        time_ms=max(seen.start_ms, other.start_ms) + random.randint(1_000, 4_000),
        camera=f"{area}-floor",
        track=seen.track,
        other_camera=f"{area}-corridor",
        other_track=other.track,
        confidence=0.9,
    )


def _verdict(area: str, visit: Visit, scenario: Scenario) -> Disposition:
    seen, camera = visit.sightings[0], scenario.site.cameras[visit.camera].name
    person = f"{area}-{camera}/{seen.track}/{seen.start_ms // 1_000}"
    return Disposition(f"{area}-d{visit.visit}", seen.end_ms, person, "agree" if visit.positive else "disagree", "r-1")


def items_of(sent: Sequence[Outgoing], site: Site, partition: int) -> Iterator[Item]:
    """What the messages of a partition hold, by event time, each topic in its order, but for what cannot be used."""
    reader, places = Reader(), {camera.name: place for place, camera in enumerate(site.cameras)}
    blocks, facts = list[PersonFrames](), list[Fact]()
    for one in sent:
        content = reader.read(one.topic, one.value) if one.partition == partition else None
        if isinstance(content, Poses):
            blocks.append(person_frames([content], [places[content.camera]]))
        elif content is not None and not isinstance(content, Rejection | Erasure):
            facts.append(content)
    frames = PersonFrames.concatenate(blocks)
    return merge([((fact.time_ms, fact) for fact in facts), iter([(int(frames.time_ms[0]), frames)])])
