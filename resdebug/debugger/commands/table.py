"""All built-in commands, in the order in which help shows them."""

from __future__ import annotations

from typing import Final

from resdebug.debugger.commands import helping, moving
from resdebug.debugger.commands.command import Command

BUILT_IN: Final[tuple[Command, ...]] = (*moving.COMMANDS, *helping.COMMANDS)
