"""The commands of docs/audit.md are there, with their options."""

import re
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from streams.audit.commands import audit_commands

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/audit.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    vigil audit (.*)$", TEXT, re.MULTILINE)


def test_commands_are_documented() -> None:
    group = get_command(audit_commands)
    assert isinstance(group, TyperGroup)
    assert {line.split()[0] for line in COMMANDS} == set(group.commands)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_documented_command_is_one(line: str) -> None:
    command, words = get_command(audit_commands), line.split()
    while isinstance(command, TyperGroup):
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    assert {word for word in words if word.startswith("--")} <= options
