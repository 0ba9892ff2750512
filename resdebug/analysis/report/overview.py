"""What was run: the size of the network and of its pass."""

from __future__ import annotations

from typing import Final

from resdebug.analysis.report.structure import Number, Progress, Quantity, Section, SectionKind, Settings
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.summary import Summary

NODES: Final = Quantity("nodes", "nodes", "Nodes of the network, leaves included.", whole=True)
VISITED: Final = Quantity("visited", "nodes", "Nodes that the reverse pass gives an adjoint.", whole=True)
EDGES: Final = Quantity("contributions", "edges", "Contributions that the reverse pass delivers.", whole=True)
FORKS: Final = Quantity("forks", "nodes", "Nodes where two or more contributions are added.", whole=True)
PARAMETERS: Final = Quantity("parameters", "numbers", "Elements of all parameters together.", whole=True)
TARGET: Final = Quantity("target_value", "1", "What the forward pass computed at the target.")

KIND: Final = SectionKind("overview", "What was run?", (NODES, VISITED, EDGES, FORKS, PARAMETERS, TARGET))


def answer(pass_: Pass, _settings: Settings, _progress: Progress) -> Section:
    """Count nodes, contributions, forks and parameters."""
    plan, nodes = pass_.schedule, pass_.network.nodes
    value = pass_.summary(Of.VALUE, pass_.target)
    return Section(
        KIND,
        (
            Number(NODES, len(nodes)),
            Number(VISITED, len(plan.reverse)),
            Number(EDGES, sum(len(plan.deliveries[i]) for i in plan.reverse)),
            Number(FORKS, sum(len(plan.arrivals[i]) > 1 for i in plan.reverse)),
            Number(PARAMETERS, sum(node.type.size for node in nodes if node.op == "parameter")),
            Number(TARGET, None if value is None else _only(value)),
        ),
    )


def _only(told: Summary) -> float:
    """Return the number of a tensor that has one, by its statistics: the sign of an infinity they do not tell."""
    return told.norm if told.nans + told.infinities else told.minimum
