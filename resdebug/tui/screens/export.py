"""The dialog that writes the pass to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Label
from textual.worker import Worker, WorkerCancelled, get_current_worker

from resdebug.errors import ResdebugError
from resdebug.text import human_bytes, visible
from resdebug.tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from resdebug.passes.protocol import Pass

Done = Callable[[str], None]


class ExportScreen(Dialog[str]):
    """Asks for a file name and writes there; the suffix says which format. Returns what was written, or None."""

    CSS = """
    ExportScreen { align: center middle; }
    ExportScreen > Vertical {
        width: 90%; max-width: 84; height: auto; padding: 1 2; background: $surface; border: round $accent;
    }
    ExportScreen.-ascii > Vertical, ExportScreen.-ascii Input { border: ascii $accent; }
    ExportScreen Label { width: 100%; color: $rd-dim; }
    ExportScreen #problem { color: $error; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "leave", "Cancel"),
        ("ctrl+o", "write(True)", "Replace the file"),
    ]

    def __init__(self, pass_: Pass, suggestion: str) -> None:
        super().__init__()
        self.pass_ = pass_
        self.suggestion = suggestion
        self._writing: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """A question, a name, a place for what goes wrong."""
        from resdebug.export.registry import FORMATS

        formats = ", ".join(f"{f.suffix} ({f.about})" for f in FORMATS.values())
        with Vertical():
            yield Label(Content(f"Export the trace: {len(self.pass_.events)} events, every value and adjoint."))
            yield Input(self.suggestion, placeholder="file name", id="path")
            yield Label(Content(f"The suffix says how: {formats}."))
            yield Label(Content("enter writes · esc goes back"))
            yield Label(Content(""), id="problem")

    def on_input_submitted(self) -> None:
        """Write, unless something is there already."""
        self.action_write(False)

    def tell(self, text: str) -> None:
        """Show how far it is, or what is wrong."""
        self.query_one("#problem", Label).update(Content(text))

    def action_write(self, force: bool) -> None:
        """Write in the background."""
        path = self.query_one("#path", Input).value.strip()
        if not path or (self._writing is not None and self._writing.is_running):
            return
        self._writing = self.run_worker(lambda: self._write(Path(path).expanduser(), force), thread=True)

    def action_leave(self) -> None:
        """Close; a file that is being written is given up."""
        if self._writing is not None and self._writing.is_running:
            self._writing.cancel()
        self.leave(None)

    def _write(self, path: Path, force: bool) -> None:
        from resdebug.export.registry import export

        worker = get_current_worker()

        def progress(done: int, total: int) -> None:
            if worker.is_cancelled:
                raise WorkerCancelled("given up")
            if done % 512 == 511:
                self.app.call_from_thread(self.tell, f"{done} of {total} events")

        try:
            size = export(self.pass_, path, force=force, progress=progress)
        except ResdebugError as error:
            fault = error.faults[0]
            advice = "ctrl+o replaces it" if fault.code == "X001" else fault.hint
            self.app.call_from_thread(self.tell, f"{visible(path.name, limit=60)}: {fault.what}; {advice}")
        else:
            told = f"Wrote {visible(str(path))}: {len(self.pass_.events)} events, {human_bytes(size)}"
            if worker.is_cancelled:
                # Too late to give it up: the file was being put in its place.
                self.app.call_from_thread(self.app.notify, told, markup=False)
            else:
                self.app.call_from_thread(self.leave, told)
