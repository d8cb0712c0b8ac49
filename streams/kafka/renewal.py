"""What goes on when a lane is given other bundles, and what begins anew when it is given another site."""

from dataclasses import replace

import numpy as np

from features.camera import CameraState
from features.closing import Layout
from features.segments import SEGMENT_MS, Entry, SegmentBlock
from features.visit import Places
from features.watermark import NEVER
from streams.kafka.setup import Setup
from streams.pipeline import Pipeline, normal_at
from streams.shadow import Shadow


def rescored(pipeline: Pipeline, setup: Setup) -> None:
    """Let a pipeline go on with all it remembers, by another bundle, beside another on trial or by another normality.

    What is normal counts for seconds that are closed from now on. A bundle that is put on trial begins with everybody
    in the lowest band.
    """
    scoring, before = pipeline.scoring, pipeline.scoring.shadow
    scoring.bundle = setup.bundle
    scoring.persons.identities.corpus = setup.bundle.corpus
    scoring.places = Places(setup.site, pipeline.layout.zones, setup.bundle.gait or None)
    if (before.bundle if before else None) != setup.shadow:
        scoring.shadow = Shadow(setup.shadow) if setup.shadow else None
    if pipeline.normality != setup.normality:
        pipeline.normality = setup.normality
        pipeline.layout = replace(pipeline.layout, normal=normal_at(setup.normality, setup.site))
    pipeline.layout = replace(pipeline.layout, handling=setup.bundle.handling or None)


def begun_anew(finished: Pipeline, setup: Setup) -> Pipeline:
    """A pipeline of another site that goes on where a finished one ended.

    Positions in the journal go on, and so do the sources' times and the facts that were taken: nothing that was counted
    is counted again, and no second that was closed is opened again, for a track that began in it twice would have the
    same name twice. Of persons nothing is known.
    """
    pipeline = Pipeline.start(setup.site, setup.bundle, setup.shadow, setup.normality)
    pipeline.scoring.persons.position = finished.scoring.persons.position
    pipeline.camera = _heard(finished.camera, finished.layout, pipeline.layout)
    return pipeline


def tracks_ended(entries: list[Entry]) -> int:
    """How many tracks end in these entries of the journal."""
    blocks = [entry for entry in entries if isinstance(entry, SegmentBlock)]
    return sum(int((block.rows["frames"] == 0).sum()) for block in blocks)


def _heard(before: CameraState, layout: Layout, wanted: Layout) -> CameraState:
    """Cameras as after a long silence; one that the site before did not have, as if heard at the time of all others."""
    places = {camera.name: place for place, camera in enumerate(layout.site.cameras)}
    latest_ms = np.append(before.latest_ms, before.now_ms or NEVER)  # the last one for cameras that are new
    closed_ms = np.maximum(np.append(before.closed_ms, NEVER), latest_ms - latest_ms % SEGMENT_MS + SEGMENT_MS)
    closed_ms[latest_ms == NEVER] = NEVER
    of = np.array([places.get(camera.name, len(places)) for camera in wanted.site.cameras], np.int64)
    start = CameraState.start(wanted)
    return replace(start, latest_ms=latest_ms[of], closed_ms=closed_ms[of], now_ms=before.now_ms, known=before.known)
