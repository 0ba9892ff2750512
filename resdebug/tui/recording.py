"""The format that records the screen: above the registry of the others, which it joins where there is a screen."""

from __future__ import annotations

from typing import Final

from resdebug.export.registry import Format

ASCIICAST: Final = Format(
    "asciicast", ".cast", "a session on the screen, for asciinema", "resdebug.tui.cast", records=True
)
