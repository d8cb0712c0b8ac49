"""Frames without persons that close what a recording left open, where nothing says that it has ended."""

from collections.abc import Collection

import numpy as np

from features.keypoints import PersonFrames
from features.segments import SEGMENT_MS
from features.site import Site, Timing


def closing_frames(site: Site, last_ms: int, cameras: Collection[str] | None = None) -> PersonFrames:
    """One frame without persons for every camera, or for the named ones.

    `last_ms` is the latest event time of everything that came: after these frames no track goes on and nothing waits.
    """
    places = [place for place, camera in enumerate(site.cameras) if cameras is None or camera.name in cameras]
    frames = PersonFrames.empty(len(places))
    frames.camera[:] = np.array(places, np.int32)
    frames.time_ms[:] = last_ms + closing_ms(site.timing)
    return frames


def closing_ms(timing: Timing) -> int:
    """How long after the last event everything is closed: tracks have ended, no fact waits, and none can be late."""
    silence_ms = -(-timing.track_silence_ms // SEGMENT_MS) * SEGMENT_MS
    tracks_ms = silence_ms + timing.pose_allowance_ms
    return SEGMENT_MS + max(tracks_ms, timing.fact_allowance_ms, timing.camera_silence_ms)
