"""How far the reading of a network is: told where a step of it ends, and where somebody who has left may stop it."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias

Report: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much; may raise to end it."""


class Step(IntEnum):
    """What has been done, with its share of the whole time in percent, as it is with a large file of scalars."""

    READ = 3
    DECODED = 28
    PROVEN = 34
    NAMED = 44
    OPERATORS = 54
    VALUES = 58
    WIRED = 88
    TYPED = 94
    CHECKED = 100


def tell(report: Report | None, step: Step) -> None:
    """Say that a step is done, where anybody listens."""
    if report is not None:
        report("reading", int(step), 100)
