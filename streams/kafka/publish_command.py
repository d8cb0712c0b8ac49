"""The command `vigil publish`."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from streams.audit.arguments import judged
from streams.audit.keys import load_signers, load_verifiers
from streams.kafka.audit_publisher import AuditPublisher, publish_logs
from streams.kafka.commands import SettingsOption, load, told
from streams.kafka.interruption import Interruption
from streams.kafka.reach import reach_kafka
from streams.terminal import aside, say


def publish(
    folder: Annotated[Path, typer.Argument(help="Folder for the logs, one below it for each partition.")],
    keys: Annotated[Path, typer.Option(help="Folder of the keys that sign; see `vigil audit keys make`.")],
    until_idle: Annotated[
        float | None, typer.Option(min=0.1, help="End once nothing has come for so many seconds; else by Ctrl-C.")
    ] = None,
    settings: SettingsOption = None,
) -> None:
    """Publish the audit logs: what workers sealed, as folders of plain files, checked and signed once a second.

    Serve the folder as it is. Workers hold no signing key; whoever runs this needs no right but to read the topic.
    """
    used = load(settings)
    with judged(), told(), aside.status("Publishing") as status, Interruption() as stopped:
        reach_kafka(used.kafka)
        signers, verifiers = load_signers(keys), load_verifiers(keys)
        with closing(AuditPublisher(folder, signers, verifiers, used.kafka.partitions)) as publisher:
            publish_logs(
                publisher,
                used.kafka,
                until_idle_s=until_idle,
                progress=lambda _: status.update(f"Publishing: {sum(publisher.sizes):,} leaves"),
                stopped=stopped,
            )
            sizes = publisher.sizes
    for number, size in enumerate(sizes):
        say(f"{folder / f'{number:02}'}: {size:,} leaves of {signers[0].verifier.name}/{number:02}")
