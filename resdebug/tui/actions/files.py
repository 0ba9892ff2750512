"""Commands that open dialogs, write files, and leave."""

from __future__ import annotations

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

    def action_help(self) -> None:
        """Show the help."""
        from resdebug.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(ascii_only=self.ascii_only))

    def action_palette(self) -> None:
        """Show the command palette."""
        self.app.action_command_palette()

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit()
