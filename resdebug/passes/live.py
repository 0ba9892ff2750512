"""A pass that the engine answers for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from resdebug.engine.accumulation import RULES
from resdebug.engine.allocation import keep_freed_memory
from resdebug.engine.batches import program
from resdebug.engine.forward import evaluate
from resdebug.engine.kept import ByNode
from resdebug.engine.norms import Norms, norm
from resdebug.engine.reverse import contribution, reverse_pass
from resdebug.errors import Fault, UsageError
from resdebug.network.model import Edge, Network
from resdebug.network.order import Schedule, schedule
from resdebug.network.progress import Report
from resdebug.network.substitution import with_values
from resdebug.ops import threads
from resdebug.ops.base import Array
from resdebug.passes.protocol import Pass
from resdebug.text import did_you_mean, visible

TINY: Final = 256
"""No library for linear algebra starts threads for tensors of so few elements."""


@dataclass
class SoFar:
    """What a run has made so far, by node index; another thread may look at it meanwhile."""

    values: list[Array | None]
    adjoints: list[Array | None]
    visited: int = 0
    """So many nodes of the reverse pass have been visited: their adjoints are complete."""


class LivePass(Pass):
    """Values and adjoints of every node are kept; contributions are computed when somebody looks."""

    def __init__(
        self,
        network: Network,
        target: str | None = None,
        rule: str = "sum",
        report: Report | None = None,
        *,
        norms: bool = False,
        plan: Schedule | None = None,
        seen: SoFar | None = None,
    ) -> None:
        """``plan`` is the schedule where it is known; in ``seen`` one can look on."""
        super().__init__(network, plan or schedule(network, target), rule)
        keep_freed_memory()
        self._norms: Norms = {}
        self._sent: tuple[Sequence[int], Array] | None = None
        """Contributions to scalars, where they are kept: per edge the place, and all of them."""
        forward = reverse = None
        if report is not None:
            total, visits = len(self.schedule.order), len(self.schedule.reverse)
            forward = partial(_tell, report, "forward", total)
            reverse = partial(_visit, report, seen, visits)
        self._values: ByNode
        self._adjoints: ByNode
        laid_out = program(network, self.schedule)
        with threads.ours():
            if laid_out is None:
                self._values = [None] * len(network.nodes) if seen is None else seen.values
                evaluate(network, reversed(self.schedule.order), self._values, forward)
                kept = self._norms if norms else None
                into = None if seen is None else seen.adjoints
                self._adjoints = reverse_pass(network, self.schedule, self._values, rule, reverse, kept, into=into)
            else:
                self._values = values = laid_out.forward(network, forward)
                self._adjoints, sent = laid_out.reverse(network, self.schedule, values, rule, reverse)
                if norms:
                    sent.flags.writeable = False
                    self._sent = laid_out.contributions, sent

    @classmethod
    def of(cls, network: Network, plan: Schedule, rule: str, values: ByNode, adjoints: ByNode) -> LivePass:
        """Return the pass that has these values and adjoints; nothing is run."""
        made = cls.__new__(cls)
        Pass.__init__(made, network, plan, rule)
        made._norms = {}
        made._sent = None
        made._values = values
        made._adjoints = adjoints
        return made

    @property
    def values_by_node(self) -> ByNode:
        """What is kept of the forward pass, by node index."""
        return self._values

    @property
    def adjoints_by_node(self) -> ByNode:
        """The same of the reverse pass."""
        return self._adjoints

    def value(self, node: str) -> Array | None:
        """Return a node's value; nodes that the target does not depend on are evaluated when first asked for."""
        index = self.network[node].index
        if self._values[index] is None:
            evaluate(self.network, _ancestors(self.network, index), self._values)
        return self._values[index]

    def adjoint(self, node: str) -> Array | None:
        """Return a node's adjoint, or None."""
        return self._adjoints[self.network[node].index]

    def contribution(self, edge: Edge) -> Array:
        """Compute one contribution from the consumer's adjoint and the saved values, unless it was kept."""
        ybar = self._adjoints[edge.consumer_index]
        if ybar is None or edge not in self.schedule.deliveries[edge.consumer_index]:
            raise KeyError(f"nothing goes from {edge.consumer} through {edge.slot} to {edge.source}")
        if self._sent is not None and self._sent[0][edge.index] >= 0:
            kept: Array = self._sent[1][self._sent[0][edge.index], ...]
            return kept
        if max(ybar.size, self.network.nodes[edge.source_index].type.size) < TINY:
            with np.errstate(all="ignore"):
                return contribution(self.network, edge, ybar, self._values)
        with threads.ours():
            return contribution(self.network, edge, ybar, self._values)

    def norm(self, edge: Edge) -> float:
        """Return the Euclidean norm of a contribution, kept from the pass where it ran with ``norms``."""
        if edge.index not in self._norms:
            self._norms[edge.index] = norm(self.contribution(edge))
        return self._norms[edge.index]


def _tell(report: Report, what: str, of: int, done: int) -> None:
    report(what, done, of)


def _visit(report: Report, seen: SoFar | None, of: int, done: int) -> None:
    if seen is not None:
        seen.visited = done
    report("reverse", done, of)


def differentiate(
    network: Network,
    target: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    *,
    rule: str = "sum",
    report: Report | None = None,
    norms: bool = False,
) -> LivePass:
    """Run the forward and the reverse pass of ``network``.

    ``target`` and ``inputs`` (arrays by name of an input, parameter or constant) override the file's. ``rule`` is how
    contributions accumulate: anything but ``sum`` is wrong on purpose. With ``norms`` the norm of every contribution is
    kept while the pass runs; of scalars that are computed together, the contributions themselves. Raises UsageError for
    an unknown name or rule or a target that is no scalar, BadInput when shapes do not fit or a given number does not
    fit its element type.
    """
    check_rule(rule)
    if target is not None:
        check_target(network, target)
    if inputs:
        network = with_values(network, inputs)
        check_target(network, target or network.target)
    return LivePass(network, target, rule, report, norms=norms)


def check_rule(rule: str) -> None:
    """Raise UsageError unless ``rule`` is a rule of accumulation."""
    if rule not in RULES:
        raise UsageError(Fault("G053", f'unknown accumulation rule "{visible(rule)}"', did_you_mean(rule, RULES)))


def check_target(network: Network, target: str) -> None:
    """Raise UsageError unless ``target`` names a scalar of floating point."""
    if target not in network:
        hint = did_you_mean(target, (node.name for node in network.nodes))
        raise UsageError(Fault("G050", f'the target "{visible(target)}" is not a node', hint))
    node = network[target]
    if node.type.size != 1 or not node.type.is_float:
        what = f'the target "{visible(target)}" is not a scalar: it is {node.type}'
        raise UsageError(Fault("S040", what, "reduce it with sum or mean"))


def _ancestors(network: Network, index: int) -> list[int]:
    """Return ``index`` and all that it depends on, inputs before consumers."""
    seen = {index}
    stack = [index]
    while stack:
        for edge in network.nodes[stack.pop()].inputs:
            if edge is not None and edge.source_index not in seen:
                seen.add(edge.source_index)
                stack.append(edge.source_index)
    return [i for i in network.inputs_first if i in seen]
