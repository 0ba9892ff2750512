"""A random graph of scalars: forks and joins of every kind, numbers kept within reach of a calculator."""

from __future__ import annotations

import math

from resdebug.errors import Fault, UsageError
from resdebug.generators.builder import Builder
from resdebug.generators.kinds import Kind
from resdebug.generators.options import Options

LEAVES = 10
"""One node in so many is an input."""

OPERATORS = ("add", "mul", "mul", "sub", "tanh", "sin", "relu")

FAR = 2.0
"""Larger numbers go through tanh."""


def make(kind: Kind, options: Options) -> Builder:
    """Return a graph of exactly ``nodes`` nodes, all of which lead to the target."""
    count = 1000 if options.nodes is None else options.nodes
    if count < 4:
        raise UsageError(Fault("U001", f"a random graph of {count} nodes is none", "--nodes is at least 4"))
    about = f"A random graph of {count} scalars from seed {options.seed}; all of them lead to the target."
    return RandomGraph(Builder(kind.name, about, dtype=options.dtype, seed=options.seed), count).build()


class RandomGraph:
    """Draws nodes one by one, operands half of the time from those that nobody uses yet."""

    def __init__(self, b: Builder, count: int) -> None:
        self.b = b
        self.count = count
        self.random = b.random
        self.values: list[float] = []
        self.idle: list[int] = []

    def build(self) -> Builder:
        """Draw until only so many nodes are left as are needed to add up what nobody uses."""
        for _ in range(max(2, self.count // LEAVES)):
            value = 2 * self.random.random() - 1
            self.add(value, "input", value=value)
        while self.room:
            self.draw()
        while len(self.values) < self.count:
            self.join()
        return self.b

    @property
    def room(self) -> int:
        """How many more nodes there may be beside the sums of those that nobody uses yet."""
        return self.count - len(self.values) - (len(self.idle) - 1)

    def draw(self) -> None:
        """Add a random operator; where there is room for one node only, it takes one that nobody uses."""
        if self.room == 1:
            i = self.idle.pop()
            self.add(math.tanh(self.values[i]), "tanh", x=i)
            return
        i = self.pick()
        x = self.values[i]
        op = "tanh" if abs(x) > FAR else OPERATORS[self.b.below(len(OPERATORS))]
        if op in {"tanh", "sin", "relu"}:
            self.add({"tanh": math.tanh(x), "sin": math.sin(x), "relu": max(x, 0.0)}[op], op, x=i)
            return
        j = self.pick()
        y = self.values[j]
        self.add({"add": x + y, "mul": x * y, "sub": x - y}[op], op, a=i, b=j)

    def pick(self) -> int:
        """Return an operand, and note that it is used."""
        if self.idle and self.random.random() < 0.5:
            return self.idle.pop(self.b.below(len(self.idle)))
        return self.use(self.b.below(len(self.values)))

    def use(self, i: int) -> int:
        """Take a node off the list of those that nobody uses."""
        if i in self.idle[-64:]:
            self.idle.remove(i)
        return i

    def join(self) -> None:
        """Add two unused nodes up; the last sum is the target."""
        i, j = self.idle.pop(0), self.idle.pop(0)
        self.add(self.values[i] + self.values[j], "add", a=i, b=j)

    def add(self, value: float, op: str, /, **slots: float) -> None:
        """Add a node; the last one is called loss."""
        last = len(self.values) == self.count - 1
        name = "loss" if last else f"n{len(self.values)}"
        if op == "input":
            self.b.node(name, op, value=slots["value"])
        else:
            self.b.node(name, op, {slot: self.b.nodes[int(i)]["id"] for slot, i in slots.items()})
        self.idle.append(len(self.values))
        self.values.append(value)
