"""The dialog that writes the pass to a file: in which format, how much of it, how large that will be."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Label
from textual.worker import Worker, WorkerCancelled, get_current_worker

from resdebug.errors import ResdebugError
from resdebug.passes.selection import Level, Selection
from resdebug.text import human_bytes, plural, visible
from resdebug.tui.numbers import bar
from resdebug.tui.screens.choice import Choice
from resdebug.tui.screens.dialog import Dialog
from resdebug.tui.screens.replace import ReplaceScreen

if TYPE_CHECKING:
    from resdebug.export.preview import Preview
    from resdebug.export.registry import Format
    from resdebug.passes.protocol import Pass

LEVELS: Final = {
    Level.FULL: "every value, contribution and adjoint in full",
    Level.ADJOINTS: "adjoints in full, statistics of the rest",
    Level.STATS: "statistics of every tensor",
}
_ALWAYS: Final = "-"
_PAUSE: Final = 0.15
"""Seconds without a key before the size is worked out."""
_EVERY: Final = 0.1
_BAR: Final = 24


class ExportScreen(Dialog[str]):
    """Says what would be written before it is. Returns what was written, or None."""

    CSS = """
    ExportScreen { align: center middle; }
    ExportScreen > VerticalScroll {
        width: 94%; max-width: 96; height: auto; max-height: 100%; padding: 1 2; background: $surface;
        border: round $accent; scrollbar-size-vertical: 1;
    }
    ExportScreen.-low > VerticalScroll { padding: 0 1; }
    ExportScreen.-ascii > VerticalScroll { border: ascii $accent; }
    ExportScreen Horizontal { height: 1; }
    ExportScreen .what { width: 8; color: $rd-dim; }
    ExportScreen Input { height: 1; width: 1fr; border: none; padding: 0; background: $panel; }
    ExportScreen Input:focus { border: none; background: $accent 30%; }
    ExportScreen Label { width: 100%; }
    ExportScreen #title { text-style: bold; }
    ExportScreen #size { margin-top: 1; color: $rd-sum; text-style: bold; }
    ExportScreen #note { color: $warning; }
    ExportScreen #keys { margin-top: 1; color: $rd-dim; }
    ExportScreen.-low #size, ExportScreen.-low #keys { margin-top: 0; }
    ExportScreen #problem { color: $error; text-style: bold; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-high")]  # noqa: RUF012 - declared so by Screen
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "leave", "Cancel"),
        ("ctrl+o", "write(True)", "Replace the file"),
        ("enter", "write(False)", "Write"),
        ("down", "app.focus_next", "Next field"),
        ("up", "app.focus_previous", "Previous field"),
    ]

    def __init__(self, pass_: Pass, suggestion: str, source: Path | None = None, *, ascii_only: bool = False) -> None:
        """``source`` is the file that was opened, which is never written over."""
        super().__init__(classes="-ascii" if ascii_only else "")
        from resdebug.export.registry import FORMATS, choose_format, register
        from resdebug.tui.recording import ASCIICAST

        register(ASCIICAST)

        self.pass_ = pass_
        self.suggestion = suggestion
        self.source = source
        self.ascii_only = ascii_only
        self.formats = dict(FORMATS)
        self.format: Format = choose_format(Path(suggestion), None)
        self.level = Level.FULL
        self.preview: Preview | None = None
        """What would be written; None while that is worked out, and where it cannot be written."""
        self._later: Timer | None = None
        self._writing: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """What to choose, what comes of it, a place for what goes wrong."""
        plain = self.ascii_only
        with VerticalScroll(can_focus=False):
            yield Label(Content("Export the trace"), id="title")
            with Horizontal():
                yield Label(Content("file"), classes="what")
                yield Input(self.suggestion, placeholder="file name", id="path", select_on_focus=False)
            with Horizontal():
                yield Label(Content("format"), classes="what")
                yield Choice(tuple(self.formats), self.format.name, id="format", ascii_only=plain)
            with Horizontal():
                yield Label(Content("level"), classes="what")
                yield Choice((self.level.value,), self.level.value, id="level", ascii_only=plain)
            with Horizontal():
                yield Label(Content("nodes"), classes="what")
                yield Input(placeholder="all; or patterns such as layer3.* conv?", id="nodes", select_on_focus=False)
            yield Label(Content("…"), id="size")
            yield Label(Content(""), id="content")
            yield Label(Content(""), id="note")
            yield Label(Content(""), id="place")
            yield Label(Content(""), id="problem")
            yield Label(Content("enter writes · tab ↑ ↓ next field · ← → choose · esc goes back"), id="keys")

    def on_mount(self) -> None:
        """Work out what would be written as it stands."""
        self._offer()
        self._look()

    @on(Input.Changed, "#path")
    def path_typed(self, event: Input.Changed) -> None:
        """The suffix chooses the format, where there is one that it belongs to."""
        from resdebug.errors import UsageError
        from resdebug.export.registry import choose_format

        try:
            found = choose_format(Path(event.value.strip()), None)
        except UsageError:
            found = self.format
        if found.name in self.formats and found is not self.format:
            self.format = found
            self._offer()
        self._look_soon()

    @on(Input.Changed, "#nodes")
    def nodes_typed(self, _event: Input.Changed) -> None:
        """Other nodes make another file."""
        self._look_soon()

    @on(Choice.Changed, "#format")
    def format_chosen(self, event: Choice.Changed) -> None:
        """Give the file the suffix of the chosen format, where it had that of the one before."""
        line = self.query_one("#path", Input)
        before, self.format = self.format, self.formats[event.choice.chosen]
        with line.prevent(Input.Changed):
            if line.value.strip().lower().endswith(before.suffix):
                line.value = line.value.strip()[: -len(before.suffix)] + self.format.suffix
        self._offer()
        self._look()

    @on(Choice.Changed, "#level")
    def level_chosen(self, event: Choice.Changed) -> None:
        """Another level makes another file."""
        self.level = Level(event.choice.chosen)
        self._offer()
        self._look()

    def _offer(self) -> None:
        """Offer the levels that the format has."""
        self.query_one("#format", Choice).offer(
            tuple(self.formats), self.format.name, f"{self.format.about} ({self.format.suffix})"
        )
        levels = self.format.levels
        if not levels:
            self.query_one("#level", Choice).offer((_ALWAYS,), _ALWAYS, "always the same")
            return
        level = self._level
        self.query_one("#level", Choice).offer([each.value for each in levels], level.value, LEVELS[level])

    @property
    def _level(self) -> Level:
        """The wanted level, or the nearest that the format has."""
        levels = self.format.levels
        return self.level if self.level in levels or not levels else levels[-1]

    def selection(self) -> Selection:
        """Return what is wanted of the pass. Raises ValueError for a quote that is not closed."""
        nodes = tuple(shlex.split(self.query_one("#nodes", Input).value))
        return Selection(self._level if self.format.levels else Level.FULL, nodes)

    @property
    def path(self) -> Path | None:
        """Where to write, None where no name is given."""
        name = self.query_one("#path", Input).value.strip()
        return Path(name).expanduser() if name else None

    @property
    def writing(self) -> bool:
        """Whether a file is being written."""
        return self._writing is not None and self._writing.is_running

    def _look_soon(self) -> None:
        if self._later is not None:
            self._later.stop()
        self._later = self.set_timer(_PAUSE, self._look)

    def _look(self) -> None:
        """Work out in the background what would be written."""
        if self.writing:
            return
        self.preview = None
        path, format_ = self.path, self.format
        try:
            selection = self.selection()
        except ValueError as error:
            self._tell_preview(None, f"nodes: {error}")
            return
        if path is None:
            self._tell_preview(None, "the file has no name yet")
            return
        self.query_one("#size", Label).update(Content("working out how large it will be …"))
        self.run_worker(lambda: self._work_out(path, format_, selection), thread=True, exclusive=True, group="preview")

    def _work_out(self, path: Path, format_: Format, selection: Selection) -> None:
        from resdebug.export.preview import preview

        worker = get_current_worker()
        found, problem = None, ""
        try:
            found = preview(self.pass_, path, format_, selection, source=self.source)
        except ResdebugError as error:
            problem = _told(error)
        if not worker.is_cancelled:
            self.call_later(self._tell_preview, found, problem)

    def _tell_preview(self, found: Preview | None, problem: str) -> None:
        """Show what would be written, or why it cannot be."""
        self.preview = found
        size = "" if found is None else "size not known beforehand" if found.size is None else str(found.size)
        told = {"size": size, "content": "", "note": "", "place": "", "problem": problem}
        if found is not None:
            told |= {"content": found.content, "note": found.note, "place": _place(found)}
        for name, text in told.items():
            self.query_one(f"#{name}", Label).update(Content(text))
            self.query_one(f"#{name}", Label).display = bool(text)

    def on_input_submitted(self) -> None:
        """Write, unless something is there already."""
        self.action_write(False)

    def tell(self, text: str) -> None:
        """Show how far it is, or what is wrong."""
        label = self.query_one("#problem", Label)
        label.update(Content(text))
        label.display = bool(text)

    def action_write(self, force: bool) -> None:
        """Write in the background; ask first where something is there already."""
        path = self.path
        if path is None or self.writing:
            return
        try:
            selection = self.selection()
        except ValueError as error:
            self.tell(f"nodes: {error}")
            return
        if not force and path.is_file():
            self._ask(path)
            return
        format_ = self.format
        self.tell("writing …")
        self._writing = self.run_worker(lambda: self._write(path, format_, selection, force), thread=True)

    def _ask(self, path: Path) -> None:
        size = human_bytes(path.stat().st_size)
        question = f"{visible(path.name, limit=60)} exists already ({size}). Replace it?"
        self.app.push_screen(
            ReplaceScreen(question, ascii_only=self.ascii_only), lambda yes: self.action_write(True) if yes else None
        )

    def action_leave(self) -> None:
        """Give up a file that is being written; else close."""
        if self._writing is not None and self._writing.is_running:
            self._writing.cancel()
            self.tell("given up: nothing was written")
            self._writing = None
            return
        self.leave(None)

    def _write(self, path: Path, format_: Format, selection: Selection, force: bool) -> None:
        from resdebug.export.preview import preview
        from resdebug.export.registry import Recording, check_room, export_files

        worker = get_current_worker()
        last = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal last
            if worker.is_cancelled:
                raise WorkerCancelled("given up")
            now = time.monotonic()
            if now - last > _EVERY:
                last = now
                drawn = bar(done / max(total, 1), _BAR)
                self.call_later(self.tell, f"▕{drawn}▏ {done} of {total}; esc gives up")

        try:
            found = preview(self.pass_, path, format_, selection, source=self.source)
            check_room(path, found.size)
            written = export_files(
                self.pass_, path, format_, force=force, progress=progress, selection=selection,
                recording=Recording(colours=self.app.console.color_system) if format_.records else None,
            )  # fmt: skip
        except ResdebugError as error:
            if not worker.is_cancelled:
                self.call_later(self.tell, f"{visible(path.name, limit=60)}: {_told(error)}")
            return
        beside = f", tensors in {visible(written.files[0][0].name, limit=80)}" if len(written.files) > 1 else ""
        told = (
            f"Wrote {visible(str(path))}: {plural(len(self.pass_.events), 'event')}, "
            f"{human_bytes(written.size)}{beside}"
        )
        if worker.is_cancelled:
            # Too late to give it up: the file was being put in its place.
            self.call_later(self.tell, told)
        else:
            self.call_later(self.leave, told)


def _told(error: ResdebugError) -> str:
    fault = error.faults[0]
    hint = "ctrl+o replaces it" if fault.code == "X001" else fault.hint
    more = f" (and {len(error.faults) - 1} more)" if len(error.faults) > 1 else ""
    return visible(f"{fault.what}{f'; {hint}' if hint else ''}{more}", limit=400)


def _place(found: Preview) -> str:
    """Return where the files go, and which of them are there already."""
    main = found.files[-1].absolute()
    told = f"to {visible(str(main), limit=300)}"
    if len(found.files) > 1:
        told += f", large tensors to {visible(found.files[0].name, limit=100)}"
    if found.taken:
        told += f" ({'both exist' if len(found.taken) > 1 else 'exists'} already)"
    return told
