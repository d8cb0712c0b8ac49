"""The same steps in Faust as one would write them first: a message is one person in one frame, as JSON.

`python -m tests.benchmarks.naive SPEC`: prints seconds and person-frames so far, a line at a time.
"""

import sys
from collections.abc import AsyncIterator

import faust
import msgspec

from features.events import PoseBatch, parse_event
from features.keypoints import frames_of_batch
from tests.benchmarks.designs import DesignSpec, Told


def app_of(spec: DesignSpec) -> faust.App:
    """Every message goes through the steps, and every score is sent."""
    site, pipelines, told = spec.site(), spec.pipelines(), Told()
    places = {camera.name: place for place, camera in enumerate(site.cameras)}
    app = faust.App(
        spec.group, broker=f"kafka://{spec.bootstrap}", store="memory://", web_enabled=False, topic_disable_leader=True
    )
    poses = app.topic(spec.poses, value_type=bytes, value_serializer="raw")
    scores = app.topic(spec.scores, key_type=bytes, value_type=bytes, value_serializer="raw", key_serializer="raw")

    @app.agent(poses)
    async def score(stream: faust.StreamT[bytes]) -> AsyncIterator[None]:
        async for event in stream.events():
            batch = parse_event(event.value)
            assert isinstance(batch, PoseBatch)
            pipeline = pipelines[event.message.partition]
            for entry in pipeline.take(frames_of_batch(batch, places[batch.camera])).entries:
                for one in pipeline.scoring.take(entry)[0]:
                    await scores.send(key=one.person.encode(), value=msgspec.json.encode(one))
            told.count(sum(len(frame.persons) for frame in batch.frames))
        return
        yield

    return app


if __name__ == "__main__":
    faust.Worker(
        app_of(DesignSpec.read(sys.argv[1])), loglevel="WARNING", redirect_stdouts=False
    ).execute_from_commandline()
