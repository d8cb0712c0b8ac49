"""The same steps in quixstreams as one would write them first.

`python -m tests.benchmarks.quix SPEC`: prints seconds and person-frames so far, a line at a time. The state of the
steps is in memory and is lost with the process, which is quicker than a store that outlives it.
"""

import sys
from typing import Any

import msgspec
from quixstreams import Application, message_context

from features.events import PoseBatch
from features.keypoints import frames_of_batch
from tests.benchmarks.designs import DesignSpec, Told


def run(spec: DesignSpec) -> None:
    """Every message goes through the steps, and every score is sent."""
    site, pipelines, told = spec.site(), spec.pipelines(), Told()
    places = {camera.name: place for place, camera in enumerate(site.cameras)}
    app = Application(
        broker_address=spec.bootstrap, consumer_group=spec.group, auto_offset_reset="earliest", loglevel="WARNING"
    )

    def score(event: dict[str, Any]) -> list[dict[str, Any]]:
        batch = msgspec.convert(event, PoseBatch)
        pipeline = pipelines[message_context().partition]
        step = pipeline.take(frames_of_batch(batch, places[batch.camera]))
        found = [score for entry in step.entries for score in pipeline.scoring.take(entry)[0]]
        told.count(sum(len(frame.persons) for frame in batch.frames))
        return [msgspec.to_builtins(score) for score in found]

    frames = app.dataframe(app.topic(spec.poses, value_deserializer="json"))
    frames = frames.apply(score, expand=True)
    frames.to_topic(app.topic(spec.scores, value_serializer="json"), key=lambda score: score["person"])
    app.run()


if __name__ == "__main__":
    run(DesignSpec.read(sys.argv[1]))
