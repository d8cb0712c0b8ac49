import http.client
import json
import math
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from numpy.typing import NDArray
from prometheus_client import generate_latest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from features.site import Camera, Site
from models.bundle import default_bundle
from models.records import Alert
from streams.audit.visit_keys import KEY_BYTES
from streams.clock import now_ms
from streams.kafka.lane import Lane
from streams.kafka.runner import Done
from streams.kafka.service import Watcher
from streams.kafka.setup import Setup
from streams.kafka.step import Step
from streams.live.mirror import Mirror
from streams.operations.health import LOOP, Health
from streams.operations.logs import HIDDEN, hide_secrets, without_secrets
from streams.operations.metrics import DEAD_LETTER_FIELDS_MAX, LATENCY_BUCKETS_S, OTHER, Metrics
from streams.operations.server import OperationsServer, ServeError
from streams.settings import Live, Operations

DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
RULES = yaml.safe_load((DOCS / "alert-rules.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
DEADLINE_S = 20.0
UNHURRIED = settings(deadline=None)
HISTOGRAM = "vigil_end_to_end_latency_seconds"


# What is measured


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, frozenset(labels.items())))


def everything(metrics: Metrics) -> None:
    """Every call there is, once."""
    metrics.took_in("poses", 3, 40)
    metrics.sent("scores", 5)
    metrics.latency(np.array([0.02, 0.2]))
    metrics.dead_letter("$.frames[3].persons[7].keypoints")
    metrics.late("person_frames", 2)
    metrics.repeated("purchases", 1)
    metrics.scored(7, 3)
    metrics.alerted("door")
    metrics.alerted(None)
    metrics.alerted("door", withdrawn=True)
    metrics.shadowed(4, 2)
    metrics.drifted(700, {"loiter_s": 0.3, "score": 0.05})
    metrics.alert_budget("door", 2, 6)
    metrics.lag("poses", 1, 12)
    metrics.camera_time("door", now_ms() - 4_000)
    metrics.stage("closing", 0.25)
    metrics.snapshot(1, 4_096, 0.5)
    metrics.state(1, 11, 13)
    metrics.redis(up=True)
    metrics.info("0.1.0", "9f3a", "shop")


TOLD = [
    ("vigil_messages_received_total", {"topic": "poses"}, 3),
    ("vigil_person_frames_total", {}, 40),
    ("vigil_messages_sent_total", {"topic": "scores"}, 5),
    ("vigil_dead_letters_total", {"field": "$.frames[].persons[].keypoints"}, 1),
    ("vigil_late_total", {"kind": "person_frames"}, 2),
    ("vigil_repeated_total", {"kind": "purchases"}, 1),
    ("vigil_scores_total", {}, 7),
    ("vigil_scores_abstained_total", {}, 3),
    ("vigil_alerts_total", {"camera": "door"}, 1),
    ("vigil_alerts_total", {"camera": ""}, 1),
    ("vigil_alerts_withdrawn_total", {"camera": "door"}, 1),
    ("vigil_shadow_scores_total", {}, 4),
    ("vigil_shadow_alerts_total", {}, 2),
    ("vigil_drift_psi", {"feature": "loiter_s"}, 0.3),
    ("vigil_drift_persons", {}, 700),
    ("vigil_alert_budget_used_alerts", {"camera": "door"}, 2),
    ("vigil_alert_budget_alerts", {"camera": "door"}, 6),
    ("vigil_lag_messages", {"topic": "poses", "partition": "1"}, 12),
    ("vigil_stage_seconds_total", {"stage": "closing"}, 0.25),
    ("vigil_snapshots_total", {"partition": "1"}, 1),
    ("vigil_snapshot_seconds_total", {"partition": "1"}, 0.5),
    ("vigil_snapshot_bytes", {"partition": "1"}, 4_096),
    ("vigil_persons", {"partition": "1"}, 11),
    ("vigil_tracks", {"partition": "1"}, 13),
    ("vigil_redis_up", {}, 1),
    ("vigil_build_info", {"version": "0.1.0", "bundle": "9f3a", "site": "shop"}, 1),
]


@pytest.mark.parametrize(("name", "labels", "expected"), TOLD)
def test_what_is_told_is_exposed(name: str, labels: dict[str, str], expected: float) -> None:
    metrics = Metrics()
    everything(metrics)
    assert value(metrics, name, **labels) == expected


def test_counters_add_up_and_gauges_do_not() -> None:
    metrics = Metrics()
    everything(metrics)
    everything(metrics)
    assert value(metrics, "vigil_person_frames_total") == 80
    assert value(metrics, "vigil_scores_abstained_total") == 6
    assert value(metrics, "vigil_lag_messages", topic="poses", partition="1") == 12


def test_several_in_one_process_are_apart() -> None:
    one, other = Metrics(), Metrics()
    one.took_in("poses", 1, 9)
    assert value(other, "vigil_person_frames_total") == 0


def test_an_age_is_that_of_the_scrape() -> None:
    metrics = Metrics()
    metrics.camera_time("door", now_ms() - 4_000)
    first = value(metrics, "vigil_camera_watermark_age_seconds", camera="door")
    assert first is not None
    assert 4 <= first < 4 + DEADLINE_S
    until(lambda: (value(metrics, "vigil_camera_watermark_age_seconds", camera="door") or 0) > first)


def test_a_clock_that_is_ahead_shows_below_zero() -> None:
    metrics = Metrics()
    metrics.camera_time("door", now_ms() + 60_000)
    age = value(metrics, "vigil_camera_watermark_age_seconds", camera="door")
    assert age is not None
    assert -60 <= age < -60 + DEADLINE_S


def test_a_snapshot_grows_old_until_the_next() -> None:
    metrics = Metrics()
    metrics.snapshot(2, 10, 0.1)
    until(lambda: (value(metrics, "vigil_snapshot_age_seconds", partition="2") or 0) > 0.02)
    before = time.monotonic()
    metrics.snapshot(2, 10, 0.1)
    age = value(metrics, "vigil_snapshot_age_seconds", partition="2")
    assert age is not None
    assert 0 <= age <= time.monotonic() - before


def test_a_partition_that_is_forgotten_keeps_only_its_counters() -> None:
    metrics = Metrics()
    everything(metrics)
    metrics.lag("purchases", 1, 3)
    metrics.lag("poses", 2, 8)
    metrics.forget_partition(1)
    metrics.forget_partition(5)
    left = {name for name, labels in samples(metrics) if ("partition", "1") in labels}
    assert left == {"vigil_snapshots_total", "vigil_snapshot_seconds_total"}
    assert value(metrics, "vigil_lag_messages", topic="poses", partition="2") == 8


def test_a_camera_that_is_forgotten_keeps_only_its_alerts() -> None:
    metrics = Metrics()
    everything(metrics)
    metrics.forget_camera("door")
    metrics.forget_camera("never seen")
    assert {name for name, labels in samples(metrics) if ("camera", "door") in labels} == {
        "vigil_alerts_total",
        "vigil_alerts_withdrawn_total",
    }


def test_an_alert_that_is_taken_back_is_not_counted_as_raised() -> None:
    site, metrics = Site("shop", cameras=[Camera("door")]), Metrics()
    lane = Lane.begin(0, Setup(site, default_bundle(), 1, 60_000), bytes(KEY_BYTES))
    raised = Alert("p#1.0#alert", "p", "door", 1, "p#1.0", 500, "high", ("stayed",), [])
    back = replace(raised, id="p#1.0#withdrawn", withdraws=raised.id)
    step = Step(alerts=[raised, raised, back])
    Watcher(metrics, Mirror(Live(), lane.areas, None), site).done(
        Done(lane, step, {}, {}, again=True, compute_s=0, publish_s=0)
    )
    assert value(metrics, "vigil_alerts_total", camera="door") == 2
    assert value(metrics, "vigil_alerts_withdrawn_total", camera="door") == 1


def test_redis_is_there_only_where_it_was_told_of() -> None:
    metrics = Metrics()
    assert value(metrics, "vigil_redis_up") is None
    metrics.redis(up=False)
    assert value(metrics, "vigil_redis_up") == 0
    metrics.redis(up=True)
    assert value(metrics, "vigil_redis_up") == 1


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("$", "$"),
        ("$.type", "$.type"),
        ("$.frames[12].persons[999].box[3]", "$.frames[].persons[].box[]"),
        ("$.lines[0].price_cents", "$.lines[].price_cents"),
        ("$.frames[0].persons[0].Age", "$.frames[].persons[].Age"),
        ("$.frames[0].persons[0].John Smith", "$.frames[].persons[].unknown"),
        ("$.a.b.c.receipt", "$.unknown"),
        ("partition", "partition"),
        ("box_width, box_height", "box_width, box_height"),
    ],
)
def test_the_field_of_a_dead_letter_without_what_a_sender_made_up(field: str, label: str) -> None:
    metrics = Metrics()
    metrics.dead_letter(field)
    assert value(metrics, "vigil_dead_letters_total", field=label) == 1


def test_the_fields_of_dead_letters_are_bounded() -> None:
    metrics = Metrics()
    for place in range(3 * DEAD_LETTER_FIELDS_MAX):
        metrics.dead_letter(f"column_{place}")
    metrics.dead_letter("column_0")
    told = {labels: number for (name, labels), number in samples(metrics).items() if name == "vigil_dead_letters_total"}
    assert len(told) == DEAD_LETTER_FIELDS_MAX + 1
    assert told[frozenset({("field", OTHER)})] == 2 * DEAD_LETTER_FIELDS_MAX
    assert told[frozenset({("field", "column_0")})] == 2


seconds = st.one_of(st.sampled_from(LATENCY_BUCKETS_S), st.floats(0, 200), st.floats(0, 0.1))


@UNHURRIED
@given(st.lists(st.lists(seconds, max_size=60), max_size=4))
def test_the_histogram_is_that_of_numpy(calls: list[list[float]]) -> None:
    metrics = Metrics()
    for call in calls:
        metrics.latency(np.array(call, np.float64))
    values = np.array([one for call in calls for one in call], np.float64)
    # numpy's bins hold their lower edge, Prometheus' buckets their upper: mirrored, the two agree
    edges = np.array([-np.inf, *(-bound for bound in reversed(LATENCY_BUCKETS_S)), np.inf])
    expected = np.histogram(-values, edges)[0][::-1].cumsum()
    exposed = samples(metrics)
    for bound, count in zip([*map(str, LATENCY_BUCKETS_S), "+Inf"], expected, strict=True):
        assert exposed[f"{HISTOGRAM}_bucket", frozenset({("le", bound)})] == count
    assert value(metrics, f"{HISTOGRAM}_count") == len(values)
    assert value(metrics, f"{HISTOGRAM}_sum") == pytest.approx(values.sum())


def test_latencies_of_clocks_that_disagree() -> None:
    metrics = Metrics()
    metrics.latency(np.array([-3.0, 0.5, np.nan, np.inf]))
    assert value(metrics, f"{HISTOGRAM}_bucket", le="0.005") == 1
    assert value(metrics, f"{HISTOGRAM}_bucket", le="60.0") == 2
    assert value(metrics, f"{HISTOGRAM}_count") == 4
    assert value(metrics, f"{HISTOGRAM}_sum") == 0.5


def test_several_threads_lose_nothing() -> None:
    metrics = Metrics()

    def work() -> None:
        for _ in range(300):
            metrics.latency(np.full(10, 0.02))
            metrics.took_in("poses", 1, 5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        exposed = samples(metrics)
        assert (
            exposed[f"{HISTOGRAM}_count", frozenset()] == exposed[f"{HISTOGRAM}_bucket", frozenset({("le", "0.025")})]
        )
    assert value(metrics, f"{HISTOGRAM}_count") == 12_000
    assert value(metrics, "vigil_person_frames_total") == 6_000


# Whether it lives and is ready


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, "waited in vain"


def test_a_loop_that_moves_is_alive() -> None:
    health = Health(stuck_after_s=DEADLINE_S)
    health.beat()
    told = health.liveness()
    assert told.alive
    assert told.stuck_at == []


def test_a_stuck_loop_is_told_with_where_and_how_long() -> None:
    health, go_on = Health(stuck_after_s=0.05), threading.Event()
    health.set("kafka", ok=True, text="connected")

    def stuck_here() -> None:
        health.beat()
        go_on.wait(DEADLINE_S)

    loop = threading.Thread(target=stuck_here)
    loop.start()
    until(lambda: any("stuck_here" in place for place in health.liveness().stuck_at))
    told = health.liveness()
    go_on.set()
    loop.join()
    assert not told.alive
    assert told.silent_s >= told.limit_s == 0.05
    assert told.stuck_at[-1] in told.text
    assert "has not moved for" in told.text
    assert "its thread has ended" in health.liveness().text
    assert not health.readiness().ready


@pytest.mark.parametrize(("silent_s", "alive"), [(0.4, True), (0.5, True), (0.5004, True), (0.5006, False)])
def test_what_is_told_is_judged(silent_s: float, *, alive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((0.0, silent_s))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    told = Health(stuck_after_s=0.5).liveness()
    assert told.alive == alive == (told.silent_s <= told.limit_s)
    assert alive or "for 0.501 s, expected at most 0.5 s" in told.text


def test_a_beat_brings_it_back() -> None:
    health = Health(stuck_after_s=0.5)
    until(lambda: not health.liveness().alive)
    health.beat()
    assert health.liveness().alive


def test_not_ready_before_anything_was_told() -> None:
    assert not Health().readiness().ready


def test_ready_while_all_conditions_hold() -> None:
    health = Health()
    health.set("kafka", ok=True, text="connected")
    assert health.readiness().ready
    health.set("partitions", ok=False, text="none yet")
    assert not health.readiness().ready
    health.set("partitions", ok=True, text="0, 1")
    told = health.readiness()
    assert told.ready
    assert [condition.name for condition in told.conditions] == [LOOP, "kafka", "partitions"]


def test_a_condition_tells_no_credentials() -> None:
    health = Health()
    health.set("redis", ok=False, text="connecting to redis://user:hunter2@cache:6379")
    assert health.readiness().conditions[1].text == f"connecting to redis://{HIDDEN}@cache:6379"


# What is served


class Served:
    """A server that runs, and what it serves."""

    def __init__(self, live: Callable[[], bytes] = lambda: b'{"persons":[]}', stuck_after_s: float = 600) -> None:
        self.metrics, self.health = Metrics(), Health(stuck_after_s)
        self.server = OperationsServer(Operations(port=0), self.metrics, self.health, live)

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE_S)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        answer = response.status, dict(response.headers), response.read()
        connection.close()
        return answer

    def send(self, raw: bytes) -> bytes:
        """All that comes back for what is sent."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=DEADLINE_S) as connection:
            connection.sendall(raw)
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@contextmanager
def serving(live: Callable[[], bytes] = lambda: b'{"persons":[]}', stuck_after_s: float = 600) -> Iterator[Served]:
    served = Served(live, stuck_after_s)
    served.server.start()
    try:
        yield served
    finally:
        served.server.stop()


def test_metrics_as_text() -> None:
    with serving() as served:
        everything(served.metrics)
        status, headers, body = served.ask("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    assert families["vigil_person_frames"].samples[0].value == 40
    assert families["vigil_loop_silence_seconds"].samples[0].value >= 0
    assert all(len(family.documentation) > 10 for name, family in families.items() if name.startswith("vigil_"))


def test_metrics_as_openmetrics() -> None:
    with serving() as served:
        everything(served.metrics)
        _, headers, body = served.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in openmetrics.text_string_to_metric_families(body.decode())}  # type: ignore[no-untyped-call]
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert families[HISTOGRAM].type == "histogram"
    assert families["vigil_build"].type == "info"


def test_healthz_while_the_loop_moves_and_when_it_does_not() -> None:
    with serving(stuck_after_s=0.5) as served:
        until(lambda: served.ask("/healthz")[0] == 503)
        told = json.loads(served.ask("/healthz")[2])
        served.health.beat()
        status = served.ask("/healthz")[0]
    assert told["alive"] is False
    assert told["silent_s"] > 0.5
    assert told["stuck_at"]
    assert status == 200


def test_readyz_lists_what_is_missing() -> None:
    with serving() as served:
        served.health.set("kafka", ok=True, text="connected")
        served.health.set("state recovered", ok=False, text="2 of 3 partitions")
        status, headers, body = served.ask("/readyz")
        served.health.set("state recovered", ok=True, text="3 of 3 partitions")
        later = served.ask("/readyz")[0]
    assert (status, later) == (503, 200)
    assert headers["Content-Type"] == "application/json"
    told = json.loads(body)
    assert told["ready"] is False
    assert told["conditions"][2] == {"name": "state recovered", "ok": False, "text": "2 of 3 partitions"}


def test_the_conditions_are_metrics_too() -> None:
    with serving() as served:
        served.health.set("kafka", ok=False, text="away")
        body = served.ask("/metrics")[2].decode()
    assert 'vigil_ready{condition="kafka"} 0.0' in body
    assert 'vigil_ready{condition="loop"} 1.0' in body


def test_live_is_what_the_worker_gives() -> None:
    with serving(lambda: b'{"persons":[1]}') as served:
        status, headers, body = served.ask("/live?since=3")
    assert (status, body) == (200, b'{"persons":[1]}')
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"


def test_a_page_that_fails_leaves_the_others() -> None:
    def broken() -> bytes:
        raise RuntimeError("no view")

    with serving(broken) as served:
        status, _, body = served.ask("/live")
        other = served.ask("/healthz")[0]
    assert (status, other) == (500, 200)
    assert "error" in json.loads(body)
    assert b"no view" not in body


def test_the_index_leads_to_every_page() -> None:
    with serving() as served:
        served.health.set("kafka", ok=True, text="connected")
        status, headers, body = served.ask("/")
        links = re.findall(r'href="([^"]+)"', body.decode())
        found = [served.ask(link)[0] for link in links]
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert links == ["/metrics", "/healthz", "/readyz", "/live"]
    assert found == [200] * 4


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/readyz", "/live", "/nowhere"])
def test_head_is_get_without_the_body(path: str) -> None:
    with serving() as served:
        got, asked = served.ask(path), served.ask(path, "HEAD")
        raw = served.send(f"HEAD {path} HTTP/1.0\r\n\r\n".encode())
    assert asked[0] == got[0]
    assert asked[1]["Content-Type"] == got[1]["Content-Type"]
    assert int(asked[1]["Content-Length"]) > 0
    assert raw.startswith(b"HTTP/1.0 ")
    assert raw.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/nowhere", "/metrics/", "/../etc/passwd", "/metrics;x"])
def test_other_paths_are_not_found(path: str) -> None:
    with serving() as served:
        status, _, body = served.ask(path)
    assert status == 404
    assert "/metrics" in json.loads(body)["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_other_methods_are_refused(method: str) -> None:
    with serving() as served:
        status, headers, _ = served.ask("/metrics", method)
    assert status == 405
    assert headers["Allow"] == "GET, HEAD"


def test_what_is_no_request_does_no_harm() -> None:
    with serving() as served:
        for nonsense in (b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b""):
            with socket.create_connection(("127.0.0.1", served.server.port), timeout=DEADLINE_S) as connection:
                connection.sendall(nonsense)
        assert served.ask("/healthz")[0] == 200


def test_a_port_in_use_is_told_with_its_setting() -> None:
    with serving() as served:
        port = served.server.port
        second = OperationsServer(Operations(port=port), Metrics(), Health(), lambda: b"{}")
        with pytest.raises(ServeError, match=rf"^operations\.port: expected a free port of 127\.0\.0\.1, got {port}"):
            second.start()


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_foreign_address_is_told_with_its_setting(host: str) -> None:
    server = OperationsServer(Operations(host=host, port=0), Metrics(), Health(), lambda: b"{}")
    with pytest.raises(ServeError, match=rf"^operations\.host: expected an address of this machine, got {host}"):
        server.start()


def test_it_stops_and_the_port_is_free() -> None:
    with serving() as served:
        port = served.server.port
        served.server.start()
        assert served.server.port == port
    served.server.stop()
    again = OperationsServer(Operations(port=port), Metrics(), Health(), lambda: b"{}")
    again.start()
    assert again.port == port
    again.stop()


def test_a_scrape_is_answered_while_the_loop_computes() -> None:
    numbers = np.random.default_rng(7).normal(size=200_000)
    answers: list[bytes] = []
    with serving() as served:
        everything(served.metrics)
        scraper = threading.Thread(target=lambda: answers.extend(served.ask("/metrics")[2] for _ in range(5)))
        scraper.start()
        rounds, end = 0, time.monotonic() + DEADLINE_S
        while scraper.is_alive() and time.monotonic() < end:
            np.sort(numbers)
            sum(range(20_000))
            served.metrics.latency(numbers)
            rounds += 1
        scraper.join(DEADLINE_S)
    assert rounds > 0
    assert len(answers) == 5
    assert all(b"vigil_build_info" in answer for answer in answers)


# What is logged

PROGRAM = """
import logging
import warnings

import numpy as np
from structlog.contextvars import bind_contextvars

from streams.operations.logs import configure, logger
from streams.settings import Live, Operations

configure(Operations(log_format={format!r}, log_level={level!r}))
bind_contextvars(worker="a")
log = logger("worker").bind(partition=3)
log.debug("quiet")
log.info("took in", event_id="e-1", messages=np.int64(7), share=float("nan"))
log.info("connecting", sasl_plain_password="hunter2", keypoints=np.arange(51))
logging.getLogger("faust.app").info("chatter")
logging.getLogger("aiokafka").warning("no route to %s", "redis://user:hunter2@cache:6379/0")
warnings.warn("old thing")
try:
    basket = "hunter2"
    raise ConnectionError("https://vigil:hunter2@broker refused; Security(password='hunter2')")
except ConnectionError:
    log.exception("broker away")
"""


def logged(format_: str = "json", level: str = "info") -> str:
    program = PROGRAM.format(format=format_, level=level)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    return ran.stderr


def test_every_line_is_json_and_holds_the_fields() -> None:
    lines = [json.loads(line) for line in logged().splitlines()]
    assert [list(line)[:4] for line in lines] == [["time", "level", "logger", "event"]] * 5
    assert all(line["worker"] == "a" for line in lines)
    assert all(datetime.fromisoformat(line["time"]).utcoffset() is not None for line in lines)
    assert all(line["time"].endswith("Z") for line in lines)
    took_in, connecting, aiokafka, warning, away = lines
    assert (took_in["level"], took_in["logger"], took_in["event"]) == ("info", "vigil.worker", "took in")
    assert (took_in["partition"], took_in["event_id"], took_in["messages"]) == (3, "e-1", 7)
    assert took_in["share"] == "nan"
    assert (connecting["sasl_plain_password"], connecting["keypoints"]) == (HIDDEN, "<ndarray>")
    assert (aiokafka["level"], aiokafka["logger"]) == ("warning", "aiokafka")
    assert warning["logger"] == "py.warnings"
    assert away["level"] == "error"
    assert away["exception"][0]["exc_type"] == "ConnectionError"
    assert away["exception"][0]["frames"][0]["lineno"] > 0


@pytest.mark.parametrize("format_", ["json", "text"])
def test_no_format_shows_a_secret(format_: str) -> None:
    text = "\n".join(line for line in logged(format_).splitlines() if "raise ConnectionError" not in line)
    assert "hunter2" not in text
    assert "ConnectionError" in text
    assert "broker" in text


def test_text_is_for_people() -> None:
    text = logged("text")
    assert "took in" in text
    assert "\x1b[" not in text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text.splitlines()[0])


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", ["quiet", "took in", "connecting", "no route to", "old thing", "broker away"]),
        ("warning", ["no route to", "old thing", "broker away"]),
        ("error", ["broker away"]),
    ],
)
def test_the_level_is_vigils_and_libraries_are_heard_from_warnings_on(level: str, events: list[str]) -> None:
    lines = [json.loads(line)["event"] for line in logged(level=level).splitlines()]
    assert len(lines) == len(events)
    assert all(event in line for event, line in zip(events, lines, strict=True))


SECRET_NAMES = [
    "password", "sasl_plain_password", "client_secret", "token", "access_token", "Authorization", "PASSWORD", "api_key",
]  # fmt: skip
words = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=8, max_size=20).filter(
    lambda word: not set(word) & set("*<>\"'\\")
)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


def hidden(event: dict[str, Any]) -> str:
    return json.dumps(hide_secrets(None, "info", event), allow_nan=False, ensure_ascii=False)


@st.composite
def nested(draw: st.DrawFn, leaf: object) -> object:
    """A value somewhere within lists and mappings."""
    value: object = leaf
    for kind in draw(st.lists(st.sampled_from(["list", "tuple", "mapping"]), max_size=4)):
        around = draw(plain)
        value = {"around": around, "within": value} if kind == "mapping" else [around, value]
        value = tuple(value) if kind == "tuple" else value
    return value


@UNHURRIED
@given(st.data(), words, st.sampled_from(SECRET_NAMES))
def test_no_value_under_the_name_of_a_secret_is_shown(data: st.DataObject, word: str, name: str) -> None:
    secret = f"QX{word}"
    event = {"event": "seen", "settings": data.draw(nested({name: secret, "host": "cache"}))}
    assert secret not in hidden(event)
    assert "cache" in hidden(event)
    assert secret not in hidden({"event": "seen", name: [secret]})


@example("user", "QX/of@a/b:c@d", "redis", "")
@UNHURRIED
@given(words, words, st.sampled_from(["redis", "rediss", "https", "postgresql+psycopg"]), st.sampled_from(["", "say "]))
def test_no_credentials_of_an_address_are_shown(user: str, password: str, scheme: str, before: str) -> None:
    user, password = re.sub(r"[@/:]", "u", user), f"QX{password}"
    for text in (f"{before}{scheme}://{user}:{password}@cache:6379/0 failed", f"{before}{scheme}://:{password}@cache"):
        shown = without_secrets(text)
        assert password not in shown
        assert shown.startswith(f"{before}{scheme}://{HIDDEN}@cache")
        assert password not in hidden({"event": text, "error": ValueError(text), "all": [{"text": text}]})


@UNHURRIED
@given(words, st.sampled_from(SECRET_NAMES), plain)
def test_no_secret_within_a_text_is_shown(word: str, name: str, around: object) -> None:
    secret = f"QX{word}"
    texts = [
        f"{name}={secret}",
        f"{name}: {secret} refused",
        repr({"around": around, name: secret}),
        json.dumps({name: secret}, ensure_ascii=False),
        json.dumps(json.dumps({name: secret}, ensure_ascii=False), ensure_ascii=False),
        f"Security({name}='{secret} and more {secret}')",
        f"Authorization: Bearer {secret}",
        f"Authorization: Basic {secret}",
        f"sent Bearer {secret}",
    ]
    for text in texts:
        assert secret not in without_secrets(text), text
        assert secret not in hidden({"event": "failed", "why": ConnectionError(text)})


@UNHURRIED
@given(st.dictionaries(st.text(max_size=8), plain, max_size=4))
def test_whatever_is_logged_becomes_json(event: dict[str, Any]) -> None:
    hidden(event)


@pytest.mark.parametrize(
    "text",
    [
        "took in 3 messages",
        "http://cache:6379/0 answers",
        "mail to a@b",
        "a secret place",
        "12:30:00",
        "$.time_ms: expected",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_what_stays_as_it_is_and_what_only_names_its_kind() -> None:
    loop: list[object] = []
    loop.append(loop)
    event = {
        "event": "seen", "count": 3, "ratio": 0.5, "big": math.inf, "half": np.float32(0.5), "none": None, "yes": True,
        "path": PurePosixPath("a/b"), "set": {1}, "bytes": b"poses", "array": np.zeros(3), "password": None,
    }  # fmt: skip
    shown = hide_secrets(None, "info", event)
    assert shown == {
        "event": "seen", "count": 3, "ratio": 0.5, "big": "inf", "half": 0.5, "none": None, "yes": True,
        "path": "a/b", "set": [1], "bytes": "<bytes>", "array": "<ndarray>", "password": None,
    }  # fmt: skip
    assert "..." in hidden({"event": "round", "loop": loop})


def test_hiding_takes_no_longer_than_the_text_is() -> None:
    texts = ["A" * 200_000, "token" * 20_000, "password=" * 10_000, '"' * 100_000, "token=" + "\\" * 100_000]
    begun = time.monotonic()
    for text in texts:
        without_secrets(text)
    assert time.monotonic() - begun < DEADLINE_S / 4


# What is documented


def documented(heading: str) -> dict[str, list[str]]:
    """The rows of the table below a heading, by their first cell."""
    table = re.search(r"(?:^\|.*\n)+", re.split(rf"^## {heading}$", OPERATIONS, flags=re.MULTILINE)[1], re.MULTILINE)
    assert table
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[0].splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in rows}


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """The labels of every sample of a worker that has done everything, by the sample's name."""
    with serving() as served:
        everything(served.metrics)
        served.health.set("kafka", ok=True, text="connected")
        families = text_string_to_metric_families(served.ask("/metrics")[2].decode())
        return {one.name: set(one.labels) for family in families for one in family.samples}


def family(name: str) -> str:
    return re.sub(rf"^{HISTOGRAM}_(bucket|count|sum)$", HISTOGRAM, name)


def test_every_metric_is_documented_and_no_other(exposed: dict[str, set[str]]) -> None:
    own = {family(name): labels - {"le"} for name, labels in exposed.items() if name.startswith("vigil_")}
    assert {name: set(re.findall(r"`(\w+)`", row[0])) for name, row in documented("Metrics").items()} == own


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_rests_on_metrics_and_labels_there_are(rule: dict[str, Any], exposed: dict[str, set[str]]) -> None:
    names = set(re.findall(r"\b(?:vigil|process)_\w+", rule["expr"]))
    assert names or rule["expr"].startswith("up{")
    assert names <= set(exposed)
    labels = set().union(*(exposed[name] for name in names)) | {"instance", "job"}
    used = {label for group in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in group.split(", ")}
    assert used <= labels
    shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert shown <= (used or labels)
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_alert_is_documented_with_its_value() -> None:
    told = documented("What to alert on")
    assert list(told) == [rule["alert"] for rule in RULES]
    for rule in RULES:
        limit = rule["expr"].split()[-1]
        assert re.search(rf"(?<![\d.]){re.escape(limit)}(?![\d.]*\d)", told[rule["alert"]][0]), rule["alert"]


def test_the_documented_line_is_a_log_line() -> None:
    example = re.search(r"^    (\{.*\})$", OPERATIONS, re.MULTILINE)
    assert example
    line = json.loads(example[1])
    assert list(line)[:4] == ["time", "level", "logger", "event"]
    assert {"worker", "partition"} <= set(line)


# What it costs


def test_five_thousand_latencies_at_a_time_cost_little() -> None:
    metrics = Metrics()
    values: NDArray[np.float64] = np.random.default_rng(3).exponential(0.2, 5_000)
    metrics.latency(values)
    best = math.inf
    for _ in range(20):
        begun = time.perf_counter()
        metrics.latency(values)
        best = min(best, time.perf_counter() - begun)
    assert best < 0.005
