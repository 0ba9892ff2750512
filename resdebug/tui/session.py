"""What the screen looks at: a pass, the debugger's cursor on it, a selection, and what to show of a tensor.

Everything that panes draw comes from here; they compute nothing. Answers that do not depend on the cursor are kept.
"""

from __future__ import annotations

import math
from copy import copy
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache

from resdebug.analysis.duel import Duel
from resdebug.analysis.folding import OPENS_FOLDED, Unit
from resdebug.analysis.rows import Arrangement, Rows
from resdebug.debugger.debugger import Debugger, State
from resdebug.network.model import Edge, Node
from resdebug.network.pause import collection_paused
from resdebug.network.progress import Report
from resdebug.ops.base import Array
from resdebug.passes.coming import ComingPass
from resdebug.passes.events import Contributed
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.routes import Routes
from resdebug.passes.summary import Summary
from resdebug.text import visible
from resdebug.tui.ahead import Ahead
from resdebug.tui.answers import Answers
from resdebug.tui.conversation import Conversation
from resdebug.tui.folded import FoldedBlock
from resdebug.tui.parts import Link, Part, View, view_of
from resdebug.tui.tensors.image import is_image
from resdebug.tui.tensors.view import Mode, TensorView

LARGE_NODES, LARGE_NUMBERS = 5_000, 2_000_000
"""From so many on, a command may take so long that the screen does not wait for it."""


class Session(Conversation):
    """One debugging session on one pass."""

    def __init__(self, pass_: Pass, name: str, debugger: Debugger | None = None) -> None:
        self.pass_ = pass_
        self.name = name
        self.network = pass_.network
        self.debugger = debugger or Debugger(pass_)
        super().__init__(self.debugger)
        self.routes = Routes(pass_)
        self.selected = self.debugger.focus()
        self.show_leaves = False
        self.view: int | None = None
        """Which of the selected node's tensors is shown; None: the adjoint where there is one, else the value."""
        self.ready = not isinstance(pass_, ComingPass)
        """Whether the pass has been run."""
        self.progress = ""
        """How far the pass has been run, while it is."""
        self.edition = 0
        """How often there was more of it."""
        self.resumed = ""
        """What became of the wish to go on where the last session ended."""
        self.tensor_view = TensorView()
        self.duelling = False
        """Whether the ledger shows what every rule would give."""
        self._stopped_at: tuple[tuple[tuple[int, bool], ...], frozenset[int]] = ((), frozenset())
        self.link = 0
        """Which neighbour of the selected node is pointed at."""
        self.visited: list[str] = []
        """The selections that neighbours were followed from."""
        self.count = ""
        """Digits typed before a key."""
        self.answers = Answers(pass_, self.routes)
        self.arrangement = Arrangement(pass_)
        self.folded: frozenset[str] = frozenset()
        """The blocks that are drawn as one row."""
        self.forward_order = False
        """Whether the graph is drawn from the inputs down, in the order of the forward pass."""
        self._report: Report | None = None
        """Who hears how far the layout is."""
        self._rows = lru_cache(8)(self._arrange)
        self._folded_block = lru_cache(1024)(self._fold_block)
        self.matched: frozenset[int] = frozenset()
        """Nodes (by index) that a search has found."""
        self.divergent: frozenset[int] = frozenset()
        """Nodes (by index) at which the pass beside this one differs."""
        self.divergences: tuple[int, ...] = ()
        """The positions at which it does, in order."""
        self._norms: dict[int, float] = {}
        self._range: tuple[float, float] | None = None

    @cached_property
    def ahead(self) -> Ahead:
        """What works out what the next key will ask for."""
        return Ahead(self)

    def prepare(self, report: Report) -> None:
        """Work out what the first picture needs: the layout, and the norm of every adjoint."""
        total = len(self.pass_.schedule.reverse)
        with collection_paused():
            if len(self.arrangement.main) > OPENS_FOLDED:
                self.folded = self.arrangement.blocks.innermost
            self._report = report
            self.rows  # noqa: B018 - laid out here, not while somebody waits
            self._report = None
            copy(self.debugger).step()
        self.ahead  # noqa: B018 - the same
        for done, index in enumerate(self.pass_.schedule.reverse, start=1):
            self.adjoint_norm(index)
            if done % 256 == 0:
                report("norms", done, total)

    @cached_property
    def is_large(self) -> bool:
        """Whether a command may take longer than a person wants to wait with a still screen."""
        nodes = self.network.nodes
        return len(nodes) >= LARGE_NODES or sum(node.type.size for node in nodes) >= LARGE_NUMBERS

    @property
    def rows(self) -> Rows:
        """The rows of the graph pane."""
        return self._rows(self.show_leaves, self.folded, self.forward_order)

    def _arrange(self, with_leaves: bool, folded: frozenset[str], forward: bool) -> Rows:
        return Rows(self.arrangement, with_leaves=with_leaves, folded=folded, forward=forward, report=self._report)

    def folded_block(self, unit: Unit) -> FoldedBlock:
        """Return what the row of a folded block tells."""
        return self._folded_block(unit.block, tuple(unit.nodes))

    def _fold_block(self, _block: str, nodes: tuple[int, ...]) -> FoldedBlock:
        return FoldedBlock(self.pass_, self.routes, self.adjoint_norm, nodes)

    def fold(self, level: int = 1) -> str:
        """Unfold the selected row if it is a folded block, else fold the block that the selection lies in.

        ``level`` 2 folds the block around that one, and so on. Returns what was done, as a sentence.
        """
        unit = self.rows.unit(self.rows.row_of[self.node.index])
        if unit.block:
            self.folded -= {unit.block}
            return f"{visible(unit.block, limit=40)} unfolded"
        around = self.arrangement.blocks.around(self.rows.main[self.rows.rail_of[self.node.index]])
        if not around:
            return "this node lies in no block"
        block = around[min(level, len(around)) - 1]
        self.folded |= {block}
        row = self.rows.unit(self.rows.row_of[self.node.index])
        if row.block != block:
            self.folded -= {block}
            return f"{visible(block, limit=40)} cannot be one row: it needs a node that needs it"
        return f"{visible(block, limit=40)} folded: {len(row.nodes)} operators"

    def fold_all(self) -> str:
        """Fold the innermost blocks, then the outermost, then unfold all; returns what was done."""
        blocks = self.arrangement.blocks
        if not blocks.members:
            return "the network names no blocks"
        levels = [frozenset[str](), blocks.innermost, blocks.outermost]
        if levels[1] == levels[2]:
            del levels[2]
        now = levels.index(self.folded) if self.folded in levels else len(levels) - 1
        self.folded = levels[(now + 1) % len(levels)]
        return f"{len(self.folded)} blocks folded" if self.folded else "all blocks unfolded"

    @property
    def stop_indices(self) -> frozenset[int]:
        """The nodes (by index) at which a stop holds that the person has set."""
        stops = self.debugger.stops
        if not any(stop.enabled for stop in stops):
            return frozenset()
        key = tuple((stop.number, stop.enabled) for stop in stops)
        if self._stopped_at[0] != key:
            self._stopped_at = key, frozenset(self.network[name].index for name in self.debugger.stop_nodes())
        return self._stopped_at[1]

    def on(self, debugger: Debugger) -> Session:
        """Return a session on another pass, such as an edit leaves behind, that looks at it in the same way."""
        other = Session(debugger.pass_, self.name, debugger)
        other.interpreter, other.files = self.interpreter, self.files
        other.tensor_view, other.show_leaves, other.forward_order = (
            self.tensor_view,
            self.show_leaves,
            self.forward_order,
        )
        other.folded = frozenset(name for name in self.folded if name in other.arrangement.blocks.members)
        other.selected = self.selected if self.selected in other.network else debugger.focus()
        return other

    def over(self, pass_: Pass) -> Session:
        """Return a session on what this one's pass has become now that it has been run, at the same place."""
        other = Session(pass_, self.name)
        other.files.source = self.files.source
        other.arrangement, other._rows = self.arrangement, self._rows
        other.look_like(self)
        return other

    def look_like(self, other: Session) -> None:
        """Look at everything as another session on the same network does, from the same moment."""
        self.debugger.jump(other.debugger.position)
        self.folded, self.show_leaves, self.forward_order = other.folded, other.show_leaves, other.forward_order
        self.selected, self.view, self.link, self.visited = other.selected, other.view, other.link, other.visited
        self.tensor_view, self.count, self.matched = other.tensor_view, other.count, other.matched

    def renew(self, progress: str) -> None:
        """Ask everything anew: meanwhile there is more of the pass."""
        self.progress = progress
        self.edition += 1
        self.answers = Answers(self.pass_, self.routes)
        self._folded_block.cache_clear()
        self._range = None

    def resume(self, key: str) -> None:
        """Go back to where the session kept under ``key`` was left: cursor, stops, watches, bookmarks, folds."""
        from resdebug.debugger.state import restore

        restored = restore(self.debugger, key)
        if restored.found:
            self.folded = frozenset(name for name in restored.folds if name in self.arrangement.blocks.members)
            self.follow()
        told = [warning.what for warning in restored.warnings]
        self.resumed = "; ".join(told) or (
            "where you left" if restored.found else "no session of this file is kept yet"
        )

    def follow(self) -> None:
        """Let the selection follow the cursor."""
        self.select(self.debugger.focus())

    @property
    def node(self) -> Node:
        """The selected node."""
        return self.network[self.selected]

    @property
    def current_row(self) -> int:
        """The row where time is."""
        return self.rows.row_of[self.network[self.debugger.focus()].index]

    @property
    def travelling(self) -> Edge | None:
        """The edge that the last event sent a contribution through."""
        event = self.debugger.last
        return event.edge if isinstance(event, Contributed) else None

    def select(self, name: str) -> None:
        """Move the selection without moving time."""
        self.selected = name
        self.view = None
        self.link = 0
        self.tensor_view = self.tensor_view.of_another()

    @cached_property
    def duel(self) -> Duel:
        """The rules beside each other."""
        return Duel(self.pass_, self.routes)

    def before_edit(self) -> Session | None:
        """Return a session on the pass before the last edit, None where nothing was changed."""
        editor = self.interpreter.editor
        if editor is None or not editor.changes:
            return None
        before = editor.changes[-1].before
        return Session(before, f"before: {editor.changes[-1]}", self.debugger.on(before))

    def links(self) -> list[Link]:
        """Return the neighbours of the selected node: its inputs, then its consumers."""
        node = self.node
        inputs = [Link(e.source, e.slot, False) for e in node.inputs if e is not None]
        return inputs + [Link(e.consumer, e.slot, True) for e in self.network.consumers[node.index]]

    def point_at_link(self, step: int) -> None:
        """Point at the next neighbour."""
        self.link = (self.link + step) % max(len(self.links()), 1)

    def follow_link(self, name: str | None = None) -> bool:
        """Select the neighbour that is pointed at, or the one called ``name``; returns whether there is one."""
        names = [link.name for link in self.links()]
        chosen = name if name in names else names[self.link] if name is None and names else None
        if chosen is None:
            return False
        self.visited.append(self.selected)
        self.select(chosen)
        return True

    def return_from_link(self) -> bool:
        """Select the node that the last neighbour was followed from; returns whether there was one."""
        if not self.visited:
            return False
        self.select(self.visited.pop())
        return True

    def move_selection(self, rows: int) -> None:
        """Move the selection down or up by so many rows."""
        row = self.rows.row_of[self.node.index] + rows
        self.select(self.network.nodes[self.rows.nodes[min(max(row, 0), len(self.rows) - 1)]].name)

    def matches(self, pattern: str) -> list[str]:
        """Return the nodes whose name holds ``pattern`` (or matches it as a glob) or whose operator it is, by row.

        Nodes without a row of their own are found too.
        """
        wanted = pattern.casefold()
        glob = any(c in wanted for c in "*?")
        found = []
        rows = self.rows.row_of
        for index in sorted(self.arrangement.everything, key=rows.__getitem__):
            node = self.network.nodes[index]
            name = node.name.casefold()
            if wanted and (node.op == wanted or (fnmatchcase(name, wanted) if glob else wanted in name)):
                found.append(node.name)
        return found

    def parts(self, name: str) -> tuple[Part, ...]:
        """Return the whole ledger of a node, what has not arrived yet included."""
        return self.answers.parts(name)

    def value(self, name: str) -> Array | None:
        """Return a node's value; None where there is none, or where it cannot be had: ``trouble`` says why."""
        return self.answers.value(name)

    def trouble(self, name: str) -> str:
        """Return why a node outside the pass cannot be evaluated, or nothing."""
        return self.answers.trouble(name)

    def summaries(self, name: str) -> tuple[Summary | None, Summary | None]:
        """Return the statistics of a node's value and of its adjoint, each None where there is none."""
        return self.answers.summaries(name)

    def absent(self, of: Of, name: str | None = None) -> str:
        """Return why a node's value or adjoint is not there, where the trace does not hold it; else nothing."""
        return self.pass_.lacking(of, self.selected if name is None else name)

    def closes(self, name: str) -> bool:
        """Whether the last row of a node's ledger is its adjoint, bit for bit."""
        return self.answers.closes(name)

    def can_close(self, name: str) -> bool:
        """Whether adjoint and ledger are both there with all their numbers, to be compared."""
        parts = self.parts(name)
        return not self.absent(Of.ADJOINT, name) and all(part.row is not None for part in parts)

    def adjoint_norm(self, index: int) -> float | None:
        """Return the norm of a node's complete adjoint; None where it has none."""
        if index not in self._norms:
            size = self.pass_.size_of(Of.ADJOINT, self.network.nodes[index].name)
            if size is None:
                return None
            self._norms[index] = size
        return self._norms[index]

    def norm_range(self) -> tuple[float, float]:
        """Return the decimal logarithms of the smallest and the largest norm of an adjoint, zeros left out."""
        if self._range is None:
            norms = [self.adjoint_norm(i) or 0.0 for i in self.pass_.schedule.reverse]
            known = [math.log10(n) for n in norms if n > 0 and math.isfinite(n)]
            self._range = (min(known), max(known)) if known else (0.0, 0.0)
        return self._range

    def state(self, name: str) -> State:
        """Return how far a node has come at the cursor."""
        return self.debugger.node_state(name).state

    def views(self) -> list[View]:
        """Return what there is to see of the selected node at the cursor: value, adjoint so far, contributions."""
        name = self.selected
        state = self.debugger.node_state(name)
        parts = self.parts(name)
        value, adjoint = View("value", None), View("adjoint", None)
        if state.state is not State.WAITING:
            value = view_of(self.pass_, "value", self.value(name), Of.VALUE, name)
        if state.state is State.COMPLETE:
            adjoint = view_of(self.pass_, "adjoint", self.pass_.adjoint(name), Of.ADJOINT, name)
        elif state.arrived:
            last = parts[state.arrived - 1]
            label = f"adjoint, {state.arrived} of {state.expected} arrived"
            adjoint = view_of(self.pass_, label, last.row.running if last.row else None, Of.PARTIAL, last.edge)
        shown = [value, adjoint]
        if len(parts) > 1:
            for k, part in enumerate(parts[: state.arrived], 1):
                array = part.row.contribution if part.row else None
                shown.append(view_of(self.pass_, f"part {k} from {part.consumer}", array, Of.CONTRIBUTION, part.edge))
        return shown

    def shown_view(self) -> int:
        """Return which view is shown."""
        views = self.views()
        if self.view is not None:
            return self.view % len(views)
        return 1 if views[1].array is not None or views[1].absent else 0

    def modes(self) -> list[Mode]:
        """Return the ways in which the selected node's tensors can be drawn."""
        return [m for m in Mode if m is not Mode.IMAGE or is_image(self.node.shape)]

    def shown_mode(self) -> Mode:
        """Return the way in which they are."""
        return self.tensor_view.mode if self.tensor_view.mode in self.modes() else Mode.NUMBERS
