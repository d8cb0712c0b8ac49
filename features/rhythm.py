"""The rhythm of a walk: period, regularity and symmetry of the offset between the ankles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.keypoints import PERMILLE, Bools, Int16s, Int64s
from features.segments import GAIT_SAMPLES, NO_SAMPLE

Floats = NDArray[np.float64]

GAP_SAMPLES_MAX = 6
STRIDE_SAMPLES_MIN, STRIDE_SAMPLES_MAX = 11, 32
SPREAD_MIN = 60
FIRST_PEAK_PERMILLE = 850
FULL_RATE = 10
FULL_SPAN_SAMPLES = 48
HUNDREDTHS_A_MINUTE = 2 * 60 * 100 * GAIT_SAMPLES  # two steps a stride


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Rhythms of persons; all 0 where nobody walks.

    Attributes:
        cadence: (rows,) int64 hundredths of a step a minute.
        asymmetry: (rows,) int64 permille.
        regularity: (rows,) int64 permille.
        quality: (rows,) int64 permille.
    """

    cadence: Int64s
    asymmetry: Int64s
    regularity: Int64s
    quality: Int64s


@dataclass(frozen=True, slots=True)
class _Signal:
    """Samples (rows, samples) of whole numbers, 0 where not `known`; `rate` of them seen in a known second."""

    values: Floats
    known: Floats
    rate: Floats

    def centred(self) -> Floats:
        middle = np.rint(self.values.sum(axis=1) / np.maximum(self.known.sum(axis=1), 1))
        centred: Floats = self.values - middle[:, None] * self.known
        return centred


def rhythm_of(across: Int16s, down: Int16s) -> Rhythm:
    """Stride period, regularity and symmetry from the left ankle less the right one.

    Of the two directions the one that varies more is taken; gaps up to 6 samples are bridged. ac(L) is the normalised
    autocorrelation over the pairs of samples known. The stride T is the first peak of ac over .7..2.0 s that comes
    near the highest, refined by a parabola; three steps must be seen. Regularity is ac(T) less the mean. In an even
    walk left and right swap places with every step, s(t + T/2) = -s(t), so ac(T) + ac(T/2) is 0: asymmetry is that
    sum with the mean left in, since who limps holds one foot ahead. Quality is regularity times the share of 3 s
    known, times the cube of the share of 10 samples a second seen, so that 7 frames a second say too little.

    Args:
        across: (rows, samples) permille of the torso, 16 a second; NO_SAMPLE where not seen.
        down: as across.

    Returns:
        The rhythm of each row; zeros where the ankles hardly move apart (standard deviation below .06 torsos).

    Source: after Moe-Nilssen and Helbostad 2004 (J. Biomech. 37:121), for a signal that alternates in sign.
    """
    values = np.zeros((4, len(across)), np.int64)
    seen = across != NO_SAMPLE
    walking, chosen = _choose(across, down, seen)
    if len(walking):
        values[:, walking] = _rhythm(_bridge(chosen, seen[walking]))
    return Rhythm(*values)


def _choose(across: Int16s, down: Int16s, seen: Bools) -> tuple[Int64s, Int64s]:
    """The rows that may be walking, and of each the direction that varies more, 0 where not seen."""
    both = np.where(seen, np.stack((across, down)), 0).astype(np.int64)
    count = seen.sum(axis=1)
    spread = count * np.einsum("drs,drs->dr", both, both) - both.sum(axis=2) ** 2
    walking = np.flatnonzero(spread.max(axis=0) > (SPREAD_MIN * count) ** 2)
    return walking, both[spread.argmax(axis=0)[walking], walking]


def _bridge(values: Int64s, seen: Bools) -> _Signal:
    """Straight lines over short gaps."""
    samples = seen.shape[1]
    at = np.arange(samples, dtype=np.int32)
    before = np.maximum.accumulate(np.where(seen, at, np.int32(-1)), axis=1)
    after = np.minimum.accumulate(np.where(seen, at, np.int32(samples))[:, ::-1], axis=1)[:, ::-1]
    short = ~seen & (before >= 0) & (after < samples) & (after - before <= GAP_SAMPLES_MAX + 1)
    row, gap = np.nonzero(short)
    left, right = before[row, gap], after[row, gap]
    start, end = values[row, left], values[row, right]
    line = values.astype(np.float64)
    line[row, gap] = start + np.rint((end - start) * (gap - left) / (right - left))
    known = (seen | short).astype(np.float64)
    return _Signal(line, known, GAIT_SAMPLES * seen.sum(axis=1) / known.sum(axis=1))


def _rhythm(signal: _Signal) -> Int64s:
    """(4, rows) cadence, asymmetry, regularity and quality."""
    found = _autocorrelations(signal)
    peak = _first_peak(found)
    rows = np.arange(found.shape[1])
    earlier, top, later = (found[np.clip(peak + step, 0, len(found) - 1), rows] for step in (-1, 0, 1))
    stride = np.clip(peak, 1, None) + STRIDE_SAMPLES_MIN - 1
    bend = earlier + later - 2 * top
    period = stride + (earlier - later) / np.where(bend < 0, 2 * bend, -np.inf)
    cadence = np.rint(HUNDREDTHS_A_MINUTE / period)
    regularity = np.clip(top, 0, PERMILLE)
    walked = (peak > 0) & (regularity > 0)
    values = np.stack((cadence, _asymmetry(signal, stride), regularity, _quality(signal, regularity)))
    return np.where(walked, values, 0).astype(np.int64)


def _autocorrelations(signal: _Signal) -> Floats:
    """(lags, rows) permille, -1,000 where a lag does not fit one and a half times into what is known.

    Lags are those of the strides and one more on either side.
    """
    lags = range(STRIDE_SAMPLES_MIN - 1, STRIDE_SAMPLES_MAX + 2)
    values, samples = signal.centred(), signal.known.sum(axis=1)
    found = np.stack([_autocorrelation(values, signal.known, lag) for lag in lags])
    return np.where(3 * np.array(lags)[:, None] <= 2 * samples, found, -PERMILLE)


def _first_peak(found: Floats) -> Int64s:
    """(rows,) place of the first local maximum not far below the highest; 0 without any."""
    inner = found[1:-1]
    peaks = (inner >= found[:-2]) & (inner > found[2:])
    highest = np.where(peaks, inner, 0).max(axis=0)
    near = peaks & (inner > 0) & (inner * PERMILLE >= highest * FIRST_PEAK_PERMILLE)
    return np.where(near.any(axis=0), near.argmax(axis=0) + 1, 0)


def _asymmetry(signal: _Signal, stride: Int64s) -> Floats:
    half = np.minimum(_at_lag(signal, stride // 2), _at_lag(signal, (stride + 1) // 2))
    return np.clip(_at_lag(signal, stride) + half, 0, 2 * PERMILLE)


def _at_lag(signal: _Signal, lag: Int64s) -> Floats:
    """(rows,) autocorrelation in permille, the mean left in, each row at a lag of its own."""
    found = np.zeros(len(lag))
    for each in np.unique(lag):
        rows = np.flatnonzero(lag == each)
        found[rows] = _autocorrelation(signal.values[rows], signal.known[rows], int(each))
    return found


def _autocorrelation(values: Floats, known: Floats, lag: int) -> Floats:
    """(rows,) permille; the sums are of whole numbers below 2**53 and so exact in any order."""
    now, later = values[:, :-lag], values[:, lag:]
    product = np.einsum("rs,rs->r", now, later)
    squares = values * values
    first = np.einsum("rs,rs->r", squares[:, :-lag], known[:, lag:])
    second = np.einsum("rs,rs->r", squares[:, lag:], known[:, :-lag])
    share: Floats = np.rint(PERMILLE * product / np.maximum(np.sqrt(first) * np.sqrt(second), 1))
    return share


def _quality(signal: _Signal, regularity: Floats) -> Floats:
    rate = np.minimum(signal.rate / FULL_RATE, 1)
    span = np.minimum(signal.known.sum(axis=1) / FULL_SPAN_SAMPLES, 1)
    quality: Floats = np.rint(regularity * rate * rate * rate * span)
    return quality
