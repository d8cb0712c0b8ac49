"""The commands around Kafka, apart from the others: their clients take long to import."""

import typer

from streams.erasing.topics_command import erase_topics
from streams.kafka.commands import produce, record, topics
from streams.kafka.publish_command import publish
from streams.kafka.worker_command import worker
from streams.live.commands import view_commands, watch


def mount(app: typer.Typer, panel: str) -> None:
    """Add the commands under a heading."""
    for command in (topics, worker, produce, record, publish, watch):
        app.command(rich_help_panel=panel)(command)
    app.command("erase-topics", rich_help_panel=panel)(erase_topics)
    app.add_typer(view_commands, name="view", rich_help_panel=panel)
