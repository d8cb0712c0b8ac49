"""What a worker counts and measures, in the names and units of Prometheus.

Labels are topics, partitions, cameras, stages and kinds: what the site and the code name, never what a message says and
never a person.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Lock

import numpy as np
from msgspec.structs import fields
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Info, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily

from features.events import (
    FORBIDDEN_ATTRIBUTES,
    BasketLine,
    Disposition,
    Frame,
    IdentityChange,
    PersonPose,
    PoseBatch,
    Purchase,
)
from streams import clock

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the buckets, inclusive; what took longer is in a bucket without a bound."""

DEAD_LETTER_FIELDS_MAX = 100
UNKNOWN = "unknown"
OTHER = "other"

_SCHEMA = (PoseBatch, Frame, PersonPose, Purchase, BasketLine, IdentityChange, Disposition)
_KNOWN = {field.encode_name for kind in _SCHEMA for field in fields(kind)} | FORBIDDEN_ATTRIBUTES | {"$", "type"}
_INDEX = re.compile(r"\[[^\]]*\]")


class Metrics:
    """The metrics of one worker, in a registry of their own; any thread may call and any may scrape."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._count_in_and_out()
        self._count_decisions()
        self._measure_work()
        self._measure_state()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _count_in_and_out(self) -> None:
        self._received = self._counter("vigil_messages_received_total", "Messages taken in from a topic.", "topic")
        self._frames = self._counter("vigil_person_frames_total", "Persons seen in frames: one person in one frame.")
        self._sent = self._counter("vigil_messages_sent_total", "Messages that Kafka acknowledged.", "topic")
        text = "Input that could not be used, by the field that was wrong; the topic dead-letters says why."
        self._dead = self._counter("vigil_dead_letters_total", text, "field")
        text = "Input that came after what it belongs to was closed, by what it is; the topic late holds it."
        self._late = self._counter("vigil_late_total", text, "kind")
        text = "Input that had come before and was not counted again, by what it is."
        self._repeated = self._counter("vigil_repeated_total", text, "kind")
        text = "Messages of a partition that are in Kafka and not yet taken in."
        self._lag = self._gauge("vigil_lag_messages", text, "topic", "partition")
        self._lag_topics: dict[int, set[str]] = {}
        self._dead_fields: set[str] = set()

    def _count_decisions(self) -> None:
        self._scores = self._counter("vigil_scores_total", "Scores published, those that abstained among them.")
        text = "Scores that say ABSTAIN: too little was seen of the person."
        self._abstained = self._counter("vigil_scores_abstained_total", text)
        text = "Alerts raised, by camera; without one where no camera of the site is meant."
        self._alerts = self._counter("vigil_alerts_total", text, "camera")
        text = "Alerts taken back, by camera; without one where no camera of the site is meant."
        self._alerts_withdrawn = self._counter("vigil_alerts_withdrawn_total", text, "camera")
        self._shadow_scores = self._counter("vigil_shadow_scores_total", "Scores of the bundle on trial.")
        text = "Alerts that the bundle on trial would have raised or taken back."
        self._shadow_alerts = self._counter("vigil_shadow_alerts_total", text)
        text = "Alerts of a camera in the running hour."
        self._budget_used = self._gauge("vigil_alert_budget_used_alerts", text, "camera")
        text = "Alerts a camera may raise in an hour; what exceeds them is held back."
        self._budget = self._gauge("vigil_alert_budget_alerts", text, "camera")

    def _measure_work(self) -> None:
        text = "Seconds from a message's writing to Kafka until all that followed from it was acknowledged."
        self._latency = _Latency("vigil_end_to_end_latency_seconds", text)
        self.registry.register(self._latency)
        text = "Seconds that a stage of the work took; their rate is the share of a core it needs."
        self._stages = self._counter("vigil_stage_seconds_total", text, "stage")
        text = "Seconds by which a camera's latest frame lies behind the wall clock; below 0 its clock is ahead."
        self._cameras = _Ages("vigil_camera_watermark_age_seconds", text, "camera", lambda: clock.now_ms() / 1_000)
        self.registry.register(self._cameras)

    def _measure_state(self) -> None:
        self._persons = self._gauge("vigil_persons", "Persons of whom something is remembered.", "partition")
        self._tracks = self._gauge("vigil_tracks", "Tracks of which something is remembered.", "partition")
        self._snapshots = self._counter("vigil_snapshots_total", "Times the state was written to Kafka.", "partition")
        text = "Seconds it took to write the state, in all."
        self._snapshot_seconds = self._counter("vigil_snapshot_seconds_total", text, "partition")
        self._snapshot_bytes = self._gauge("vigil_snapshot_bytes", "Size of the state last written.", "partition")
        text = "Seconds since the state was last written."
        self._snapshot_age = _Ages("vigil_snapshot_age_seconds", text, "partition", clock.monotonic)
        self.registry.register(self._snapshot_age)
        text = "1 while Redis answers, 0 while it does not; not there without Redis."
        self._redis = Gauge("vigil_redis_up", text, registry=None)
        self._with_redis = False
        self._build = Info("vigil_build", "Which version scores by which bundle at which site.", registry=self.registry)

    def took_in(self, topic: str, messages: int, person_frames: int) -> None:
        """Count what came from a topic."""
        self._received.labels(topic).inc(messages)
        self._frames.inc(person_frames)

    def sent(self, topic: str, messages: int) -> None:
        """Count what was acknowledged by Kafka."""
        self._sent.labels(topic).inc(messages)

    def latency(self, seconds: NDArray[np.float64]) -> None:
        """Add (messages,) seconds from writing to acknowledgement; any number at a time."""
        self._latency.observe(seconds)

    def dead_letter(self, field: str) -> None:
        """Count a dead letter; of its field only what the schema names becomes a label."""
        self._dead.labels(self._dead_field(field)).inc()

    def _dead_field(self, field: str) -> str:
        label = _schema_path(field)
        if label not in self._dead_fields and len(self._dead_fields) >= DEAD_LETTER_FIELDS_MAX:
            return OTHER
        self._dead_fields.add(label)
        return label

    def late(self, kind: str, count: int) -> None:
        """Count what came too late."""
        self._late.labels(kind).inc(count)

    def repeated(self, kind: str, count: int) -> None:
        """Count what came again."""
        self._repeated.labels(kind).inc(count)

    def scored(self, count: int, abstained: int) -> None:
        """Count published scores; `abstained` of the `count` say ABSTAIN."""
        self._scores.inc(count)
        self._abstained.inc(abstained)

    def alerted(self, camera: str | None, *, withdrawn: bool = False) -> None:
        """Count an alert that was raised, or `withdrawn`."""
        (self._alerts_withdrawn if withdrawn else self._alerts).labels(camera or "").inc()

    def shadowed(self, scores: int, alerts: int) -> None:
        """Count what a bundle on trial said."""
        self._shadow_scores.inc(scores)
        self._shadow_alerts.inc(alerts)

    def alert_budget(self, camera: str, used: int, budget: int) -> None:
        """Set how many alerts of the running hour are used, and how many there may be."""
        self._budget_used.labels(camera).set(used)
        self._budget.labels(camera).set(budget)

    def lag(self, topic: str, partition: int, messages: int) -> None:
        """Set how many messages wait in a partition of a topic."""
        self._lag_topics.setdefault(partition, set()).add(topic)
        self._lag.labels(topic, partition).set(messages)

    def forget_partition(self, partition: int) -> None:
        """Take away the gauges of a partition that went to another worker; counters stay, as counters do."""
        for topic in self._lag_topics.pop(partition, set()):
            self._lag.remove(topic, partition)
        for gauge in (self._persons, self._tracks, self._snapshot_bytes):
            with suppress(KeyError):
                gauge.remove(partition)
        self._snapshot_age.forget(str(partition))

    def camera_time(self, camera: str, event_ms: int) -> None:
        """Set the latest event time of a camera, milliseconds since 1970."""
        self._cameras.since(camera, event_ms / 1_000)

    def forget_camera(self, camera: str) -> None:
        """Take away the gauges of a camera that another worker follows."""
        self._cameras.forget(camera)
        for gauge in (self._budget_used, self._budget):
            with suppress(KeyError):
                gauge.remove(camera)

    def stage(self, name: str, seconds: float) -> None:
        """Add to the time a stage took."""
        self._stages.labels(name).inc(seconds)

    def snapshot(self, partition: int, bytes_: int, seconds: float) -> None:
        """Count that a partition's state was written just now."""
        self._snapshots.labels(partition).inc()
        self._snapshot_seconds.labels(partition).inc(seconds)
        self._snapshot_bytes.labels(partition).set(bytes_)
        self._snapshot_age.since(str(partition), clock.monotonic())

    def state(self, partition: int, persons: int, tracks: int) -> None:
        """Set how much a partition's state holds."""
        self._persons.labels(partition).set(persons)
        self._tracks.labels(partition).set(tracks)

    def redis(self, up: bool) -> None:  # noqa: FBT001 - it is the value, and the only one
        """Set whether Redis answers."""
        if not self._with_redis:
            self._with_redis = True
            self.registry.register(self._redis)
        self._redis.set(up)

    def info(self, version: str, bundle: str, site: str) -> None:
        """Say which version, bundle and site are at work."""
        self._build.info({"version": version, "bundle": bundle, "site": site})


def _schema_path(field: str) -> str:
    """A field's path without indices, up to where it leaves the schema: what a sender made up is not repeated."""
    if not field.startswith("$"):
        return field
    steps = _INDEX.sub("[]", field).split(".")
    for place, step in enumerate(steps):
        if step.removesuffix("[]").lower() not in _KNOWN:
            return ".".join([*steps[:place], UNKNOWN])
    return ".".join(steps)


class _Latency:
    """A histogram that takes a whole array at once."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text
        self._lock = Lock()
        self._counts = np.zeros(len(LATENCY_BUCKETS_S) + 1, np.int64)
        self._sum = 0.0

    def observe(self, seconds: NDArray[np.float64]) -> None:
        """Add values; below 0, where two clocks disagree, is 0, and what is no number is above every bound."""
        values = np.maximum(seconds, 0.0)
        places = np.searchsorted(LATENCY_BUCKETS_S, values)
        counts = np.bincount(places, minlength=len(self._counts))
        total = float(values.sum(where=np.isfinite(values)))
        with self._lock:
            self._counts += counts
            self._sum += total

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram as it stands."""
        with self._lock:
            counts, total = self._counts.cumsum().tolist(), self._sum
        bounds = [*map(str, LATENCY_BUCKETS_S), "+Inf"]
        yield HistogramMetricFamily(self._name, self._text, list(zip(bounds, counts, strict=True)), total)


class _Ages:
    """Gauges of how long ago something was, worked out when they are read."""

    def __init__(self, name: str, text: str, label: str, now: Callable[[], float]) -> None:
        self._name, self._text, self._label, self._now = name, text, label, now
        self._since: dict[str, float] = {}

    def since(self, label: str, seconds: float) -> None:
        """Set when it was, by the clock of these ages."""
        self._since[label] = seconds

    def forget(self, label: str) -> None:
        """Take one away."""
        self._since.pop(label, None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """How old each is now."""
        family = GaugeMetricFamily(self._name, self._text, labels=[self._label])
        now = self._now()
        for label, seconds in self._since.copy().items():
            family.add_metric([label], now - seconds)
        yield family
