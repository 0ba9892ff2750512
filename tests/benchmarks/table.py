"""The table: a row for everything that is measured, as text, in a terminal, or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

HEADINGS = ("id", "ours", "peer", "ratio", "goal", "met", "GFLOP/s", "peer's", "what")


@dataclass(frozen=True)
class Row:
    """What is measured, and once it has been, the medians of ours and of the peer."""

    id: str
    what: str
    peer: str = ""
    goal: float | None = None
    """The most that the ratio may be; without a peer, what ours must stay below."""
    unit: str = "ms"
    ours: float | None = None
    theirs: float | None = None
    flops: int | None = None
    """Floating-point operations of either side, two for a multiplication and addition."""
    dtype: str = ""
    """Element type of these operations."""
    peak: float | None = None
    """GFLOP/s of this machine's matrix product in it."""
    note: str = ""
    ours_rounds: tuple[float, ...] = ()
    theirs_rounds: tuple[float, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        return None if self.ours is None or not self.theirs else self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is no goal, or nothing was measured."""
        if self.goal is None:
            return None
        if self.peer:
            return None if self.ratio is None else self.ratio <= self.goal
        return None if self.ours is None else self.ours < self.goal

    def gflops(self, took: float | None) -> float | None:
        """Return the speed of arithmetic that ``took`` so many milliseconds."""
        return None if self.flops is None or not took else self.flops / took / 1e6

    def share(self, took: float | None) -> float | None:
        """Return that speed as a part of the matrix product's."""
        speed = self.gflops(took)
        return None if speed is None or not self.peak else speed / self.peak

    def as_json(self) -> dict[str, object]:
        """Return every field, and what follows from them."""
        speeds = {"ours": self.ours, "theirs": self.theirs}
        return asdict(self) | {
            "ratio": self.ratio,
            "met": self.met,
            **{f"{side}_gflops": self.gflops(took) for side, took in speeds.items()},
            **{f"{side}_share": self.share(took) for side, took in speeds.items()},
        }


def digits(number: float) -> str:
    """Write three digits that count, and no exponent."""
    if not number or not math.isfinite(number):
        return str(number)
    return f"{number:.{max(0, 2 - math.floor(math.log10(abs(number))))}f}"


def goal_text(row: Row) -> str:
    """Write a goal; as a speed-up where it is one."""
    if row.goal is None:
        return ""
    if not row.peer:
        return f"< {digits(row.goal)} {row.unit}"
    return f"≤ 1/{1 / row.goal:.0f}" if row.goal < 0.1 else f"≤ {row.goal:g}"


def ratio_text(row: Row) -> str:
    """Write a ratio in the manner of its goal."""
    if row.ratio is None:
        return ""
    return f"1/{1 / row.ratio:.1f}" if row.goal is not None and row.goal < 0.1 and row.ratio < 1 else f"{row.ratio:.3f}"


def cells(row: Row) -> tuple[str, ...]:
    """Return the texts of a row, under ``HEADINGS``."""

    def time(took: float | None) -> str:
        return "" if took is None else f"{digits(took)} {row.unit}"

    def speed(took: float | None) -> str:
        gflops, share = row.gflops(took), row.share(took)
        return "" if gflops is None else f"{digits(gflops)}" + ("" if share is None else f" ({share:.0%})")

    met = {None: "", True: "yes", False: "NO"}[row.met]
    what = row.what + (f"; peer: {row.peer}" if row.peer else "") + (f" [{row.note}]" if row.note else "")
    return (
        row.id, time(row.ours), time(row.theirs), ratio_text(row), goal_text(row), met,
        speed(row.ours), speed(row.theirs), what,
    )  # fmt: skip


def plain(rows: Sequence[Row]) -> str:
    """Return the table as text in columns."""
    lines = [HEADINGS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    last = len(HEADINGS) - 1

    def aligned(line: Sequence[str]) -> str:
        texts = [
            f"{t:<{w}}" if k in {0, last} else f"{t:>{w}}" for k, (t, w) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(texts).rstrip()

    return "\n".join(map(aligned, lines))


def show(rows: Sequence[Row]) -> None:
    """Print the table: drawn in a terminal, as plain text elsewhere."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        print(plain(rows))
        return
    table = Table(box=box.SIMPLE_HEAD)
    for k, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if k in {0, len(HEADINGS) - 1} else "right", no_wrap=k == 0)
    for row in rows:
        table.add_row(*map(Text, cells(row)), style="red" if row.met is False else None)
    console.print(table)


def dumps(rows: Sequence[Row]) -> str:
    """Return the table as JSON."""
    return json.dumps([row.as_json() for row in rows], indent=1, ensure_ascii=False)
