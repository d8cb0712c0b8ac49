"""The commands `vigil audit keys ...`; none of them shows a private key."""

from pathlib import Path
from typing import Annotated

import typer

from streams.audit.arguments import judged
from streams.audit.cosignature import Cosigner, Witness
from streams.audit.errors import UnusableError
from streams.audit.key_backup import backup_keys, restore_keys
from streams.audit.keys import list_keys, make_key, rotate_key
from streams.audit.note import Signer
from streams.terminal import say

key_commands = typer.Typer(
    no_args_is_help=True,
    help="Keys that sign checkpoints, in a folder: private ones only you may read, the public ones beside them.",
)
Folder = Annotated[Path, typer.Option("--keys", help="Folder of the keys.")]
Passphrase = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File whose first line is the passphrase; else you are asked.")
]
IfNone = Annotated[bool, typer.Option("--if-none", help="Where the folder has a key of this name, print that one.")]
FOLDER = Path("vigil-audit-keys")


@key_commands.command("make")
def make(
    name: Annotated[str, typer.Argument(help="Name of the key, unique in the world, such as shop.example/audit.")],
    keys: Folder = FOLDER,
    witness: Annotated[bool, typer.Option("--witness", help="A key to cosign with, not to sign.")] = False,  # noqa: FBT002 - a flag
    if_none: IfNone = False,  # noqa: FBT002 - a flag
) -> None:
    """Make a key. The line it prints is the public key: hand that out, by a way the log cannot change.

    A log's checkpoints bear the name of its key as the log's name.
    """
    with judged():
        there = list_keys(keys) if keys.is_dir() else []
        if there and not (if_none and there[-1].verifier.name == name):
            got = f"{len(there)}, of {there[-1].verifier.name}; `vigil audit keys rotate` adds one"
            raise UnusableError("keys", "a folder without any", got, str(keys))
        stored = there[-1] if there else make_key(keys, (Cosigner if witness else Signer).generate(name))
    say(stored.verifier.vkey)


@key_commands.command("list")
def list_(keys: Folder = FOLDER) -> None:
    """List the keys, the oldest first: number, kind, whether the private one is here, and the public key."""
    with judged():
        there = list_keys(keys)
    for stored in there:
        kind = "witness" if isinstance(stored.verifier, Witness) else "log"
        say(f"{stored.number:04}  {kind}  {'private' if stored.private else 'public only'}  {stored.verifier.vkey}")


@key_commands.command()
def rotate(keys: Folder = FOLDER) -> None:
    """Make a new key of the same name, which signs from now on, and print its public key.

    The old public key stays, for what it signed. Let both sign until everybody has the new one, then remove the old
    file .key. If others may have had the old key, remove it at once and tell everybody from which size on it counts
    no more.
    """
    with judged():
        say(rotate_key(keys).verifier.vkey)


@key_commands.command()
def backup(
    copy: Annotated[Path, typer.Argument(help="New file for the copy.")],
    keys: Folder = FOLDER,
    passphrase_file: Passphrase = None,
) -> None:
    """Write an encrypted copy of all keys to a file. Keep file and passphrase in different places."""
    with judged():
        stored = backup_keys(keys, copy, _passphrase(passphrase_file, confirm=True))
    say(f"{copy}: {len(stored)} keys, encrypted; try `vigil audit keys restore` on it now, into another folder")


@key_commands.command()
def restore(
    copy: Annotated[Path, typer.Argument(help="File that `backup` wrote.")],
    keys: Folder = FOLDER,
    passphrase_file: Passphrase = None,
) -> None:
    """Write the keys of an encrypted copy to a folder. Keys that are there already stay as they are."""
    with judged():
        stored = restore_keys(copy, keys, _passphrase(passphrase_file, confirm=False))
    say(f"{keys}: {len(stored)} keys")


def _passphrase(file: Path | None, *, confirm: bool) -> str:
    if file:
        return (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    answer: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm)
    return answer
