"""Which node of one pass is which of the other, and how their networks differ."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest

from resdebug.analysis.divergence.found import Comparison
from resdebug.analysis.divergence.renames import Renames
from resdebug.passes.protocol import Pass


class Pairing:
    """The nodes of two passes side by side, found by name."""

    def __init__(self, a: Pass, b: Pass, renames: Renames | None = None) -> None:
        self.a, self.b = a, b
        rename = renames or Renames()
        self.names = {a.network.nodes[i].name: rename(a.network.nodes[i].name) for i in a.schedule.order}
        """By the name in the first pass that in the second, of all that take part."""
        self.others = {b.network.nodes[i].name for i in b.schedule.order}
        """What takes part in the second pass."""
        self.edges = {(e.consumer, e.slot): e for i in b.schedule.reverse for e in b.schedule.deliveries[i]}
        """The edges of the second pass that carry a contribution, by consumer and slot."""
        self._rename = rename
        self._back: dict[str, str] | None = None

    def there(self, name: str) -> str:
        """Return what a node of the first pass is called in the second, whether there is one or not."""
        return self.names[name] if name in self.names else self._rename(name)

    def here(self, other: str) -> str | None:
        """Return what a node of the second pass is called in the first, None where there is none."""
        if self._back is None:
            self._back = {self._rename(node.name): node.name for node in reversed(self.a.network.nodes)}
        return self._back.get(other)

    def has(self, name: str) -> bool:
        """Whether a node that takes part in the first pass does so in the second."""
        return self.names.get(name) in self.others

    def differs(self, name: str) -> str:
        """Return how a node differs from its counterpart, nothing where it does not."""
        first, second = self.a.network[name], self.b.network[self.names[name]]
        if first.op != second.op:
            return f"{first.op}, and {second.op}"
        if first.attributes != second.attributes:
            ours, theirs = first.attributes, second.attributes
            keys = [k for k in {**ours, **theirs} if ours.get(k) != theirs.get(k)]
            return "; ".join(f"{k} {ours.get(k)}, and {theirs.get(k)}" for k in keys)
        if all(e and t and e.slot == t.slot and self.names[e.source] == t.source
               for e, t in zip_longest(first.inputs, second.inputs)):  # fmt: skip
            return ""
        from_, other = ({e.slot: self.names[e.source] for e in first.inputs if e},
                        {e.slot: e.source for e in second.inputs if e})  # fmt: skip
        slots = [s for s in {**from_, **other} if from_.get(s) != other.get(s)]
        return "; ".join(f"{s} from {from_.get(s, 'nowhere')}, and from {other.get(s, 'nowhere')}" for s in slots)

    def structure(self, wanted: Callable[[str], bool]) -> Comparison:
        """Return which ``wanted`` nodes are only in one pass, or differ in operator or inputs."""
        result = Comparison()
        met = set()
        for name, other in self.names.items():
            if not wanted(name):
                met.add(other)
            elif other not in self.others:
                result.only_first.append(name)
            else:
                met.add(other)
                difference = self.differs(name)
                if difference:
                    result.rewired.append((name, difference))
        result.only_second = sorted(name for name in self.others if name not in met and wanted(name))
        place = {self.a.network.nodes[i].name: k for k, i in enumerate(reversed(self.a.schedule.order))}
        result.only_first.sort(key=place.__getitem__)
        result.rewired.sort(key=lambda pair: place[pair[0]])
        return result
