"""From news to the items of the live view: what is shown of it, in words, and until when."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from features.events import Disposition
from models.records import Alert, Score
from models.scorecard import Contribution
from streams.console.words import describe
from streams.kafka.areas import Areas
from streams.live.view import Answer, CameraHealth, Item, LiveAlert, LiveCamera, LivePerson, News, Reason, Withdrawal
from streams.settings import Live

REASONS_SHOWN = 3
LEFT_SHARE = 5  # who left is shown for a fifth of the time


def items_of(news: News, live: Live, areas: Areas) -> list[Item]:
    """Everything in the news, expiring by the settings."""
    return list(_items(news, live, areas))


def _items(news: News, live: Live, areas: Areas) -> Iterator[Item]:
    person_ms = 1_000 * live.person_expires_s
    alert_expires_ms = news.told_ms + 1_000 * live.alert_expires_s
    for score in news.scores:
        left = score.kind in {"final", "withdrawn"}
        yield _person(score, areas, news.told_ms + (person_ms // LEFT_SHARE if left else person_ms))
    for alert in news.alerts:
        yield _alert(alert, areas, alert_expires_ms)
    for disposition in news.dispositions:
        yield _answer(disposition, areas, alert_expires_ms)
    for camera in news.cameras:
        yield _camera(camera, areas, news.told_ms, news.told_ms + 1_000 * live.camera_expires_s)


def _person(score: Score, areas: Areas, expires_ms: int) -> LivePerson:
    return LivePerson(
        person=score.person,
        camera=score.camera,
        area=_area(score.person, areas),
        time_ms=score.time_ms,
        kind=score.kind,
        revision=score.revision,
        position=score.position,
        score=score.score,
        band=score.band,
        abstain=score.abstain,
        probability_permille=score.probability_permille,
        reasons=_reasons(score.contributions),
        events=score.events,
        score_id=score.id,
        expires_ms=expires_ms,
    )


def _alert(alert: Alert, areas: Areas, expires_ms: int) -> LiveAlert | Withdrawal:
    area = _area(alert.person, areas)
    if alert.withdraws is not None:
        return Withdrawal(alert.withdraws, area, expires_ms)
    return LiveAlert(
        id=alert.id,
        person=alert.person,
        camera=alert.camera,
        area=area,
        time_ms=alert.time_ms,
        score_id=alert.score_id,
        score=alert.score,
        band=alert.band,
        events=alert.events,
        reasons=_reasons(alert.reasons),
        expires_ms=expires_ms,
    )


def _answer(disposition: Disposition, areas: Areas, expires_ms: int) -> Answer:
    area = _area(disposition.person, areas)
    return Answer(disposition.person, area, disposition.time_ms, disposition.verdict, expires_ms)


def _camera(health: CameraHealth, areas: Areas, told_ms: int, expires_ms: int) -> LiveCamera:
    counts = (health.person_frames, health.dead_letters, health.late)
    return LiveCamera(health.name, _area(health.name, areas), health.time_ms, *counts, told_ms, expires_ms)


def _reasons(contributions: Sequence[Contribution]) -> tuple[Reason, ...]:
    """The largest first, as they come; those without points are none."""
    return tuple(_reason(each.feature, each.value, each.points) for each in contributions[:REASONS_SHOWN])


@lru_cache(maxsize=4_096)
def _reason(feature: str, value: int, points: int) -> Reason:
    return Reason(points, describe(feature, value))


def _area(name: str, areas: Areas) -> str:
    """The area of a camera or of a person, who is named after the first camera."""
    return areas.of_camera.get(name.partition("/")[0], areas.of_rest)
