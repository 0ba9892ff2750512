"""What a session answers to commands: it runs them, writes files for them, and says what they are about."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.export.for_commands import Files
from resdebug.tui.tensors.view import TensorView, clamped, largest, plane

if TYPE_CHECKING:
    from resdebug.debugger.debugger import Debugger
    from resdebug.passes.protocol import Pass


class Conversation:
    """The part of a session that commands go through."""

    pass_: Pass
    debugger: Debugger
    selected: str
    tensor_view: TensorView

    def __init__(self, debugger: Debugger) -> None:
        self.interpreter = Interpreter(debugger)
        self.files = Files(self.interpreter)
        """What writes for commands; it knows the file that was opened, which is never written over."""

    def quoted(self) -> str:
        """Return the selected node as a command takes it."""
        return shlex.quote(self.selected) if any(c in self.selected for c in " \"'\\#") else self.selected

    def element(self) -> str:
        """Return the selected node, with the index of the element that is pointed at, else of the largest one."""
        cursor, adjoint = self.tensor_view.cursor, self.pass_.adjoint(self.selected)
        if adjoint is None or not adjoint.size:
            return self.quoted()
        if cursor is None:
            at = largest(adjoint)
        else:
            place = plane(adjoint, self.tensor_view)
            at = place.index(*clamped(place, cursor))
        index = ",".join(map(str, at))
        return f"{self.quoted()}[{index}]" if index else self.quoted()
