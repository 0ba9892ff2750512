"""asciicast v2: a stepping session recorded from the app itself, for READMEs and slides.

The format: https://docs.asciinema.org/manual/asciicast/v2/. The app runs without a terminal, on the pass that is to be
recorded; after every key the lines that changed are written. Times are made up (one key every so many seconds), so
that the same pass gives the same recording.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from io import StringIO
from typing import IO, Final

from rich.console import Console
from textual.keys import key_to_character
from textual.strip import Strip

from resdebug.errors import Fault, UsageError
from resdebug.export.registry import Progress, Recording, Request, Size
from resdebug.passes.protocol import Pass
from resdebug.passes.selection import Selection
from resdebug.text import adjoint_of, plural, visible
from resdebug.tui.app import DebuggerApp
from resdebug.tui.settings import Settings

MOST_STEPS: Final = 60
"""Steps of a recording whose keys nobody chose: a minute or so."""
_STEP: Final = "n"
_LAST: Final = 2.0
"""How many times as long as the others the last picture stays."""
_FRAME, _FIRST = 6.0, 9.0
"""About how many bytes a cell of a step and of the first picture takes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the screen shows after a key: its lines with their colours, and where the pass is."""

    key: str
    lines: tuple[str, ...]
    told: str


def write(pass_: Pass, stream: IO[bytes], progress: Progress, request: Request) -> None:
    """Record and write; holds one picture at a time. Raises UsageError for a partial trace and for unknown keys."""
    if pass_.absent:
        raise UsageError(Fault("X011", f"a session is recorded of a whole pass: {pass_.absent}", "trace it in full"))
    wanted = request.recording or Recording()
    keys = keys_of(pass_, wanted)
    asyncio.run(_record(pass_, stream, progress, wanted, keys))


def size(pass_: Pass, request: Request) -> Size:
    """Estimate the bytes that will be written."""
    wanted = request.recording or Recording()
    cells = wanted.columns * wanted.rows
    return Size(round(cells * (_FIRST + _FRAME * len(keys_of(pass_, wanted)))), exact=False)


def content(pass_: Pass, _selection: Selection) -> str:
    """Return what would be recorded where nobody says otherwise."""
    wanted = Recording()
    steps = len(keys_of(pass_, wanted))
    whole = "" if steps == len(pass_.schedule.reverse) else f" of {len(pass_.schedule.reverse)}"
    seconds = steps * wanted.pace + _LAST * wanted.pace
    return f"{plural(steps, 'step')}{whole}, node by node, on {wanted.columns}×{wanted.rows}: {seconds:.0f} s"


def keys_of(pass_: Pass, wanted: Recording) -> tuple[str, ...]:
    """Return the keys to press: those asked for, else node by node to the end, at most sixty times."""
    keys = wanted.keys or (_STEP,) * min(MOST_STEPS, len(pass_.schedule.reverse))
    for key in keys:
        if len(key) > 1 and key_to_character(key) is None and key.split("+")[-1] not in _NAMED:
            hint = 'write keys with spaces between them: --keys "n n 5 s tab right"'
            raise UsageError(Fault("X011", f'there is no key "{visible(key)}"', hint))
    return keys


_NAMED: Final = frozenset(
    {"up", "down", "left", "right", "home", "end", "pageup", "pagedown", "tab", "enter", "escape", "space", "backspace"}
    | {f"f{k}" for k in range(1, 13)}
)


async def _record(pass_: Pass, stream: IO[bytes], progress: Progress, wanted: Recording, keys: Sequence[str]) -> None:
    header = {
        "version": 2, "width": wanted.columns, "height": wanted.rows, "env": {"TERM": "xterm-256color"},
        "title": f"resdebug: {visible(pass_.network.name)}",
    }  # fmt: skip
    stream.write(_line(header))
    before: tuple[str, ...] = ()
    at = 0.0
    done = 0
    # Where writing breaks off the app is left at once, and by the task that runs it.
    async with aclosing(_frames(pass_, wanted, keys)) as frames:
        async for frame in frames:
            if frame.key:
                at = round(at + wanted.pace, 6)
                stream.write(_line([at, "m", frame.told]))
            stream.write(_line([at, "o", _drawn(frame.lines, before)]))
            before = frame.lines
            progress(done, len(keys))
            done += 1
    stream.write(_line([round(at + _LAST * wanted.pace, 6), "o", ""]))


def _line(item: object) -> bytes:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _drawn(lines: Sequence[str], before: Sequence[str]) -> str:
    """Return what a terminal is sent to show ``lines`` where it shows ``before``."""
    start = "" if before else "\x1b[?25l\x1b[2J"
    changed = (k for k, line in enumerate(lines) if not before or before[k] != line)
    return start + "".join(f"\x1b[{k + 1};1H{lines[k]}\x1b[0m" for k in changed)


async def _frames(pass_: Pass, wanted: Recording, keys: Sequence[str]) -> AsyncGenerator[Frame]:
    """Run the app and yield its picture, first as it opens, then after every key."""
    size = (wanted.columns, wanted.rows)
    name = pass_.network.name or "network"
    # Nobody's own settings: the recording is of the pass, and moves at its own pace.
    app = DebuggerApp(lambda _report: pass_, name, theme=wanted.theme, settings=Settings(reduced_motion=True))
    # rich remembers how a style was written first; beside a running app that has to be in the app's own colours.
    console = Console(
        file=StringIO(), force_terminal=True, color_system=wanted.colours,  # type: ignore[arg-type]
        legacy_windows=False, width=wanted.columns,
    )  # fmt: skip
    try:
        async with app.run_test(size=size) as pilot:
            # What loads begins only after the first picture.
            while app.is_running and app.failure is None and not _is_there(app):
                await pilot.pause(0.01)
            await app.workers.wait_for_complete()
            await pilot.pause()
            yield Frame("", _picture(app, console), "")
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
                if not app.is_running:
                    break
                yield Frame(key, _picture(app, console), _told(app))
    finally:
        gc.unfreeze()
    if app.failure is not None:
        raise app.failure
    if app.crash is not None:
        raise app.crash


def _is_there(app: DebuggerApp) -> bool:
    session = app.main.session
    return session is not None and session.ready


def _picture(app: DebuggerApp, console: Console) -> tuple[str, ...]:
    strips: list[Strip] = app.screen._compositor.render_strips()
    return tuple(strip.render(console) for strip in strips)


def _told(app: DebuggerApp) -> str:
    """Return where the cursor is, as the name of a chapter."""
    session = app.main.session
    if session is None:
        return ""
    return f"{session.debugger.position}: {adjoint_of(visible(session.debugger.focus(), limit=40))}"
