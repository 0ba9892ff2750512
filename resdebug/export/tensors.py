"""What npz and safetensors share: all values and adjoints of a pass, by name of the node."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final

from resdebug.export.names import Slugs
from resdebug.export.registry import Progress
from resdebug.network.model import Node
from resdebug.ops.base import Array
from resdebug.passes.events import Completed, Evaluated
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.selection import Selection
from resdebug.passes.streamed import StreamedPass
from resdebug.text import plural
from resdebug.version import __version__

FORMAT: Final = "resdebug-tensors"
VERSION: Final = 1


class Names:
    """Names of tensors, ``value/NODE`` and ``adjoint/NODE``; a node whose name cannot be that of a file has a slug."""

    def __init__(self, pass_: Pass | StreamedPass, selection: Selection) -> None:
        slugs = Slugs()
        nodes = [pass_.network.nodes[i] for i in pass_.schedule.order[::-1]]
        # Names that may stay as they are come first, so that a slug never takes one from them.
        for node in sorted(nodes, key=lambda node: slugs.alike(node.name), reverse=True):
            slugs.of(node.name)
        self._slugs = slugs
        self.about = {
            "format": FORMAT,
            "version": str(VERSION),
            "generator": f"resdebug {__version__}",
            "digest": pass_.digest(),
            "target": pass_.target,
            "rule": pass_.rule,
            "names": json.dumps({slugs.of(n.name): n.name for n in nodes if slugs.of(n.name) != n.name}),
        }
        """What goes with the tensors; ``names`` has the nodes whose slug is not their name."""
        if pass_.absent:
            self.about["absent"] = pass_.absent
        self.tensors = list(_chosen(pass_, selection))

    def of(self, of: Of, node: str) -> str:
        """Return the name of a tensor."""
        return f"{of.value}/{self._slugs.of(node)}"


def _chosen(pass_: Pass | StreamedPass, selection: Selection) -> Iterator[tuple[Of, Node]]:
    """Yield what is written, in order: values as they are computed, then adjoints as they are completed."""
    nodes, schedule = pass_.network.nodes, pass_.schedule
    for of, order, wanted in (
        (Of.VALUE, schedule.order[::-1], selection.value),
        (Of.ADJOINT, schedule.reverse, selection.adjoint),
    ):
        for i in order:
            node = nodes[i]
            if wanted(node.name) and (isinstance(pass_, StreamedPass) or pass_.holds(of, node.name)):
                yield of, node


def walk(pass_: Pass | StreamedPass, names: Names, put: Callable[[Of, str, Array], None], progress: Progress) -> None:
    """Hand every chosen tensor to ``put``, in the order of ``names.tensors``, one at a time."""
    total = len(names.tensors)
    if isinstance(pass_, Pass):
        for done, (of, node) in enumerate(names.tensors, start=1):
            array = pass_.value(node.name) if of is Of.VALUE else pass_.adjoint(node.name)
            if array is None:
                raise AssertionError("the pass holds a tensor that it does not have")
            put(of, node.name, array)
            progress(done, total)
        return
    wanted = {(of, node.name) for of, node in names.tensors}
    done = 0
    for seen in pass_.seen(lambda of, node, array: array if (of, node) in wanted else None):
        if isinstance(seen.event, Evaluated | Completed) and seen.of is not None:
            done += 1
            put(Of.VALUE if isinstance(seen.event, Evaluated) else Of.ADJOINT, seen.event.node, seen.of)
            progress(done, total)


def tensors_content(pass_: Pass | StreamedPass, selection: Selection) -> str:
    """Return how many values and adjoints would be written."""
    kinds = [of for of, _ in _chosen(pass_, selection)]
    counts = [plural(kinds.count(of), of.value) for of in (Of.VALUE, Of.ADJOINT) if of in kinds]
    return f"{' and '.join(counts) or 'no tensors'} with all their numbers, without contributions"
