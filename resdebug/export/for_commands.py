"""What the commands ``export`` and ``save`` do: they write the pass, or its network, and never over what was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resdebug.export.writing import check_not_source
from resdebug.text import human_bytes, plural, visible

if TYPE_CHECKING:
    from resdebug.debugger.commands.interpreter import Interpreter


class Files:
    """Writes files for an interpreter, of the pass that it is on at that moment."""

    def __init__(self, interpreter: Interpreter, source: Path | None = None) -> None:
        """``source`` is the file that was opened."""
        self.interpreter = interpreter
        self.source = source
        interpreter.export = self.export
        interpreter.save = self.save

    def export(self, name: str, force: bool) -> str:
        """Write the pass in the format that the name's suffix says; returns what was written.

        Raises UsageError, CannotCreate, IOFailure.
        """
        from resdebug.export.registry import export

        path = self._path(name)
        pass_ = self.interpreter.debugger.pass_
        size = export(pass_, path, force=force)
        return f"{visible(name)}: {plural(len(pass_.events), 'event')}, {human_bytes(size)}"

    def save(self, name: str, force: bool) -> str:
        """Write the network, large tensors beside it; returns what was written. Raises CannotCreate, IOFailure."""
        from resdebug.export.network_file import save_network

        path = self._path(name)
        network = self.interpreter.debugger.pass_.network
        done = save_network(network, path, force=force)
        line = f"{visible(name)}: {plural(len(network), 'node')}, {human_bytes(done.size)}"
        if done.tensors is not None:
            line += f"; {plural(done.stored, 'tensor')} in {visible(done.tensors.name)}"
        if done.referred:
            line += f"; {plural(done.referred, 'tensor')} where they were read from"
        return line

    def _path(self, name: str) -> Path:
        path = Path(name).expanduser()
        check_not_source(path, self.source)
        return path
