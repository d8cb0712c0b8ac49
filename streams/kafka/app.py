"""The Faust app: what it reads, the table that holds the state, and every setting that differs from Faust's default."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import faust
from faust.types import ChannelT, EventT

from streams.kafka.clients import faust_brokers, faust_credentials
from streams.kafka.state import StateTable
from streams.kafka.topics import INPUTS, full_name, state_topic
from streams.kafka.transport import PromptTransport
from streams.settings import Settings

MESSAGE_BYTES_MAX = 16 * 1_024 * 1_024


class App(faust.App):
    """A Faust app that keeps no files."""

    async def on_first_start(self) -> None:
        """Faust makes folders for its stores here, of which none is used."""


def make_app(settings: Settings, instance: str) -> faust.App:
    """The app of a worker; ARCHITECTURE.md says what each setting is for."""
    kafka, worker = settings.kafka, settings.worker
    app = App(
        f"{kafka.prefix}{kafka.group}",
        broker=faust_brokers(kafka),
        broker_credentials=faust_credentials(kafka),
        broker_client_id=f"vigil-{instance}",
        broker_session_timeout=worker.session_s,
        broker_heartbeat_interval=worker.session_s / 4,
        broker_max_poll_interval=300.0,
        consumer_group_instance_id=instance,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1_024 * 1_024,
        producer_acks=-1,
        producer_linger=0.0,
        producer_max_batch_size=256 * 1_024,
        producer_max_request_size=MESSAGE_BYTES_MAX,
        producer_compression_type=None,
        stream_buffer_maxsize=8_192,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        table_standby_replicas=worker.standbys,
        topic_allow_declare=False,
        topic_disable_leader=True,
        cython_optimizations=True,
        store="memory://",
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
    )
    app.transport = PromptTransport(app.conf.broker_consumer, app)
    return app


def make_table(app: faust.App, settings: Settings) -> StateTable:
    """The table that holds the state of all partitions of this worker."""
    kafka = settings.kafka
    changelog = app.topic(
        state_topic(kafka),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=kafka.partitions,
        internal=False,
        compacting=True,
        deleting=False,
    )
    table = StateTable(
        app,
        name="state",
        key_type=bytes,
        value_type=bytes,
        partitions=kafka.partitions,
        changelog_topic=changelog,
    )
    app.tables.add(table)
    return table


def make_agent(app: faust.App, settings: Settings, take: Callable[[EventT[bytes]], Awaitable[None]]) -> None:
    """Let every message of every input topic be taken."""
    names = [full_name(topic, settings.kafka) for topic in INPUTS]
    inputs: ChannelT[bytes] = app.topic(
        *names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", internal=False
    )

    async def inbox(stream: faust.StreamT[bytes]) -> AsyncIterator[None]:
        async for event in cast("faust.Stream[bytes]", stream).noack().events():
            await take(event)
        return
        yield

    app.agent(inputs, name="inbox")(inbox)
