"""A crowd for benchmarks: any number of persons who walk, stand, reach and leave again, made of sines from a seed."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from features.keypoints import LEFT_ANKLE, LEFT_WRIST, NOSE, RIGHT_ANKLE, Bools, PersonFrames
from features.site import Camera, Site, Till, Zone

FPS = 15
START_MS = 1_700_000_000_000
CAMERAS = 8
VISIT_S, PAUSE_S = 120, 20  # the pause is longer than the silence that ends a track
_NOISE_ROWS = 1 << 16
_MILLIMETRES = ((12.0, 0.4, -100.0), (0.2, 15.0, 50.0), (0.0, 0.0004, 1.0))
_BODY = (
    (0, -150), (-3, -155), (3, -155), (-6, -150), (6, -150), (-18, -130), (18, -130), (-22, -100), (22, -100),
    (-22, -75), (22, -75), (-10, -80), (10, -80), (-10, -40), (10, -40), (-10, 0), (10, 0),
)  # fmt: skip

Floats = NDArray[np.float64]


def crowd_site(cameras: int = CAMERAS, areas: Sequence[str] = ()) -> Site:
    """Calibrated cameras with slanted zones of every kind that features look at, in turn of the areas."""
    zones = [
        Zone("shelf", "shelf", [(60, 330), (300, 300), (340, 480), (40, 520)], face=(180, 280)),
        Zone("wall", "shelf", [(300, 300), (520, 290), (560, 420), (340, 480)]),
        Zone("till", "till", [(540, 480), (720, 470), (760, 690), (560, 700)]),
        Zone("queue", "queue", [(420, 500), (540, 480), (560, 700), (430, 690)]),
        Zone("stock", "restricted", [(40, 560), (160, 550), (170, 700), (30, 710)]),
        Zone("door", "exit", [(700, 300), (780, 320), (770, 460), (690, 440)]),
    ]
    names = [f"camera-{place}" for place in range(cameras)]
    of = [areas[place % len(areas)] if areas else None for place in range(cameras)]
    seeing = [Camera(name, zones, _MILLIMETRES, area) for name, area in zip(names, of, strict=True)]
    tills = [Till(str(place), "shop", name, "till") for place, name in enumerate(names, start=1)]
    return Site(cameras=seeing, tills=tills)


def crowd(
    persons: int,
    seconds: int,
    *,
    fps: int = FPS,
    seed: int = 7,
    chunk_s: int = 60,
    cameras: int = CAMERAS,
    start_ms: int = START_MS,
    visit_s: int = VISIT_S,
    pause_s: int = PAUSE_S,
) -> Iterator[PersonFrames]:
    """The frames of up to `persons` at once in order of arrival, in parts of `chunk_s`; a visit lasts `visit_s`."""
    draws = np.random.default_rng(seed)
    phases = draws.uniform(0, visit_s + pause_s, persons)
    noise = draws.normal(0, 4, (2, 17, _NOISE_ROWS)).astype(np.int16)
    confidence = draws.integers(250, 1_000, (17, _NOISE_ROWS)).astype(np.int16)
    for first_s in range(0, seconds, chunk_s):
        frame = np.arange(first_s * fps, min(first_s + chunk_s, seconds) * fps)
        person, time_s = np.tile(np.arange(persons), len(frame)), np.repeat(frame, persons) / fps
        since_s = time_s + phases[person]
        visit = (since_s // (visit_s + pause_s)).astype(np.int64)
        rows = PersonFrames.empty(len(person))
        rows.time_ms[:] = start_ms + np.repeat(frame * 1_000 // fps, persons)
        rows.camera[:] = person % cameras
        rows.track[:] = person * 1_000_000 + visit
        _pose(rows, person + 0.7 * visit, time_s)
        _blur(rows, noise, confidence, int(frame[0]))
        yield _with_empty_frames(rows, since_s % (visit_s + pause_s) < visit_s)


def _blur(rows: PersonFrames, noise: NDArray[np.int16], confidence: NDArray[np.int16], first: int) -> None:
    place = (np.arange(len(rows)) + first * 7_919) % _NOISE_ROWS
    rows.x[:] += noise[0][:, place]
    rows.y[:] += noise[1][:, place]
    rows.confidence[:] = confidence[:, place]


def _pose(rows: PersonFrames, who: Floats, time_s: Floats) -> None:
    """Walks back and forth with rests; now and then a hand goes out to a shelf and to the waist."""
    walked = np.clip(1.6 * np.sin(0.13 * time_s + who), -1, 1)
    x, y = 400 + 320 * walked, 500 + 160 * np.sin(0.07 * time_s + 2 * who)
    step = np.where(np.abs(walked) < 1, 22 * np.sin(2 * np.pi * 0.9 * time_s + who), 0)
    reach = np.maximum(0, np.sin(0.4 * time_s + 3 * who))
    rows.box[:] = 4 * np.stack((x - 25, y - 160, np.full(len(x), 50), np.full(len(x), 165)))
    for point, (across, down) in enumerate(_BODY):
        rows.x[point], rows.y[point] = 4 * (x + across), 4 * (y + down)
    rows.x[LEFT_ANKLE] += (4 * step).astype(np.int16)
    rows.x[RIGHT_ANKLE] -= (4 * step).astype(np.int16)
    rows.x[LEFT_WRIST] -= (240 * reach).astype(np.int16)
    rows.x[NOSE] += (40 * np.sin(2 * time_s + who)).astype(np.int16)


def _with_empty_frames(rows: PersonFrames, there: Bools) -> PersonFrames:
    """Of a person who is not there the row becomes a frame without persons for one camera in the round."""
    empty = np.flatnonzero(~there & (rows.time_ms % 1_000 == 0))
    for name in ("box", "x", "y", "confidence"):
        getattr(rows, name)[:, empty] = 0
    rows.track[empty] = -1
    there[empty] = True
    return rows.take(there)
