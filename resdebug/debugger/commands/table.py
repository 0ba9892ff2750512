"""All built-in commands, in the order in which help shows them."""

from __future__ import annotations

from typing import Final

from resdebug.debugger.commands import asking, editing, helping, looking, moving, remembering, stopping
from resdebug.debugger.commands.command import Command

BUILT_IN: Final[tuple[Command, ...]] = (
    *moving.COMMANDS, *stopping.COMMANDS, *looking.COMMANDS, *asking.COMMANDS,
    *editing.COMMANDS, *remembering.COMMANDS, *helping.COMMANDS,
)  # fmt: skip
