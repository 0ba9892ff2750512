"""Commands that open dialogs, write files, and leave."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from resdebug.errors import ResdebugError
from resdebug.text import visible
from resdebug.tui.actions.acting import Acting


class FileActions(Acting):
    """Export, help, palette, leaving."""

    def action_export(self) -> None:
        """Ask where to write the trace."""
        from resdebug.tui.screens.export import ExportScreen

        stem = self.shown_name.rsplit("/", 1)[-1].removesuffix(".json").removesuffix(".jsonl")
        dialog = ExportScreen(self.needed.pass_, f"{stem}.trace.jsonl")
        dialog.set_class(self.ascii_only, "-ascii")
        self.app.push_screen(dialog, self.exported)

    def exported(self, told: str | None) -> None:
        """Say what was written."""
        if told is not None:
            self.tell(told, timeout=6)

    def action_copy(self, form: str) -> None:
        """Put numbers or a formula onto the terminal's clipboard."""
        from resdebug.tui.copying import formula, numbers

        text, told = formula(self.needed) if form == "latex" else numbers(self.needed, form)
        if text:
            self.app.copy_to_clipboard(text)
        self.tell(told)

    def action_picture(self) -> None:
        """Save the screen as SVG beside the person's other files, under a name that is free."""
        from resdebug.export.writing import whole_file

        stem = "".join(c if c.isalnum() else "_" for c in self.shown_name.rsplit("/", 1)[-1].partition(".")[0][:60])
        path = next(p for k in count() if not (p := Path(f"{stem}{f'-{k}' if k else ''}.svg")).exists())
        try:
            picture = self.app.export_screenshot(title=f"resdebug {visible(self.shown_name, limit=60)}")
            with whole_file(path) as stream:
                stream.write(picture.encode("utf-8", "replace"))
        except ResdebugError as error:
            self.tell(f"no picture: {error.faults[0].what}", timeout=6)
        else:
            self.tell(f"the screen is in {visible(str(path))}", timeout=6)

    def action_help(self) -> None:
        """Show the help."""
        from resdebug.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.active, self.keys_of, ascii_only=self.ascii_only))

    def action_palette(self) -> None:
        """Show the command palette."""
        self.app.action_command_palette()

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit()
