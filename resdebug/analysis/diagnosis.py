"""Which mistake makes these numbers? The usual ones are tried at each place, until one reproduces all that was given.

First every single mistake whose effects cover all that is wrong; then each mistake at all places of its kind at once,
as a bug in somebody's relu is at every relu; then several mistakes one after the other, in reverse order, as far as
each explains more than was explained before. A mistake is named only if the whole pass with it agrees with *all*
gradients that were given, those that are right included: rather no diagnosis than a wrong one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from resdebug.analysis.mistakes import Candidate, Mistake, candidates
from resdebug.analysis.mistakes_of_functions import FUNCTIONS
from resdebug.analysis.mistakes_of_layers import LAYERS
from resdebug.analysis.mistakes_of_sums import GENERIC, SUMS
from resdebug.analysis.mutation import Mutation, Mutator
from resdebug.ops.base import Array

MISTAKES: Final[tuple[Mistake, ...]] = (*SUMS, *FUNCTIONS, *LAYERS, *GENERIC)
"""The table, what is more telling first."""

RUNS: Final = 5_000
"""Most mutated passes that are begun."""
STEPS: Final = 3
"""Most different mistakes in one explanation."""
MANY: Final = 200
"""Most places of one explanation."""
WIDE: Final = 3
"""How many ways to go on are tried where several explain equally much."""
LARGE: Final = 20_000
"""With more edges, mistakes are tried only where a single one could have all the effects."""
BITS: Final = 1024
SHOWN: Final = 3

Distance = Callable[[int, Array], float]
"""How far a node's given gradient is from these numbers, relative to what rounding allows: up to 1 is equal."""
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Explanation:
    """Mistakes that together reproduce all that was given. ``error`` is relative to what rounding allows."""

    candidates: tuple[Candidate, ...]
    error: float
    everywhere: bool = False
    """Whether these are all places of the mistake's kind."""

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The different mistakes, in reverse order of the pass."""
        return tuple({c.mistake.name: c.mistake for c in self.candidates}.values())

    @property
    def sentence(self) -> str:
        """What went wrong, in a sentence for each mistake."""
        told = []
        for mistake in self.mistakes:
            places = [c for c in self.candidates if c.mistake is mistake]
            more = f", and likewise at {len(places) - 1} more" if len(places) > 1 else ""
            told.append(places[0].sentence + more + (" (everywhere it can be made)" if self.everywhere else ""))
        return "; ".join(told)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "sentence": self.sentence,
            "everywhere": self.everywhere,
            "error": self.error if math.isfinite(self.error) else None,
            "mistakes": [
                {
                    "mistake": c.mistake.name,
                    "node": c.node,
                    "slot": c.slot or None,
                    "first_wrong": c.source,
                    "detail": c.detail,
                    "sentence": c.sentence,
                    "remedy": c.mistake.remedy,
                }
                for c in self.candidates
            ],
        }


class Diagnosis:
    """Looks for explanations of ``wrong`` (node indices, in reverse order) among all ``given`` ones."""

    def __init__(
        self,
        mutator: Mutator,
        given: Collection[int],
        wrong: Sequence[int],
        distance: Distance,
        report: Report | None = None,
    ) -> None:
        self.mutator = mutator
        self.turn = mutator.turn
        self.given = frozenset(given)
        self.wrong = sorted(wrong, key=lambda i: self.turn[i])
        self.distance = distance
        self.report = report
        self.runs = 0
        self.large = len(mutator.pass_.network.edges) > LARGE

    def explanations(self) -> list[Explanation]:
        """Return what explains everything, best first; several where they make the same numbers; often none."""
        if not self.wrong:
            return []
        every = self._candidates()
        # Where few gradients are known, one mistake in the loss and one in all layers may make the same numbers.
        found = [*self._singles(every), *self._everywhere(every)] or list(self._several(every))
        return _best(found) if found else []

    def _candidates(self) -> list[Candidate]:
        """Return all candidates; of a large network only those that could explain everything by themselves."""
        if not self.large:
            return candidates(self.mutator, MISTAKES)
        reach = self._reach()
        return candidates(self.mutator, MISTAKES, lambda i: i in reach)

    def _reach(self) -> frozenset[int]:
        """Return the nodes that, when wrong, may make all wrong nodes wrong: those that all of them lead to."""
        schedule = self.mutator.pass_.schedule
        bits = {i: 1 << k for k, i in enumerate(self.wrong[:BITS])}
        all_ = (1 << len(bits)) - 1
        masks: dict[int, int] = {}
        for i in reversed(schedule.reverse):
            mask = bits.get(i, 0)
            for edge in schedule.deliveries[i]:
                mask |= masks[edge.source_index]
            masks[i] = mask
        return frozenset(i for i, mask in masks.items() if mask == all_)

    def _singles(self, every: Sequence[Candidate]) -> Iterator[Explanation]:
        reach = self._reach()
        chosen = [c for c in every if c.source_index in reach]
        # The nearest to what is wrong first: most likely, and soonest refuted.
        chosen.sort(key=lambda c: -self.turn[c.source_index])
        for done, candidate in enumerate(chosen, start=1):
            failed, error = self._try(candidate.mutation)
            if failed is None:
                yield Explanation((candidate,), error)
            self._tell("single mistakes", done, len(chosen))

    def _everywhere(self, every: Sequence[Candidate]) -> Iterator[Explanation]:
        groups = [] if self.large else [g for g in _groups(every).values() if len(g) > 1]
        for done, group in enumerate(groups, start=1):
            mutation = Mutation()
            for candidate in group:
                mutation = mutation | candidate.mutation
            failed, error = self._try(mutation)
            if failed is None:
                yield Explanation(tuple(group), error, everywhere=True)
            self._tell("the same mistake everywhere", done, len(groups))

    def _several(self, every: Sequence[Candidate]) -> Iterator[Explanation]:
        """Peel: explain the first wrong node, then the first that is still wrong, and so on."""
        if self.large:
            return
        open_: list[tuple[tuple[Candidate, ...], Mutation]] = [((), Mutation())]
        while open_ and self.runs < RUNS:
            told, mutation = open_.pop()
            failed, error = self._try(mutation)
            if failed is None:
                yield Explanation(tuple(sorted(told, key=lambda c: self.turn[c.source_index])), error)
                return
            names = {c.mistake.name for c in told}
            ways: list[tuple[bool, int, int, Candidate]] = []
            for rank, candidate in enumerate(every):
                name = candidate.mistake.name
                if (name not in names and len(names) >= STEPS) or len(told) >= MANY:
                    continue
                if self.turn[candidate.source_index] > failed or mutation.meets(candidate.mutation):
                    continue
                after, _ = self._try(mutation | candidate.mutation)
                reached = len(self.turn) if after is None else after
                if reached > failed:
                    ways.append((name in names, reached, -rank, candidate))
                if self.runs >= RUNS:
                    break
                self._tell("several mistakes", self.runs, RUNS)
            ways.sort(key=lambda way: way[:3])
            open_ += [((*told, way[3]), mutation | way[3].mutation) for way in ways[-WIDE:]]

    def _try(self, mutation: Mutation) -> tuple[int | None, float]:
        """Run a mutated pass; return when the first given node disagrees (None if none does), and the largest error."""
        self.runs += 1
        error = 0.0
        waiting = iter([*(self.turn[i] for i in self.wrong), len(self.turn)])
        due = next(waiting)
        for i, adjoint in self.mutator.run(mutation):
            turn = self.turn[i]
            if due < turn:
                return due, math.inf
            if i in self.given:
                distance = self.distance(i, adjoint)
                if not distance <= 1:
                    return turn, distance
                error = max(error, distance)
            if due == turn:
                due = next(waiting)
        return (None, error) if due == len(self.turn) else (due, math.inf)

    def _tell(self, what: str, done: int, of: int) -> None:
        if self.report is not None:
            self.report(what, done, of)


def _groups(every: Sequence[Candidate]) -> Mapping[tuple[str, str], list[Candidate]]:
    groups: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in every:
        groups.setdefault(candidate.key, []).append(candidate)
    return groups


def _best(found: Sequence[Explanation]) -> list[Explanation]:
    """Return the explanations that fit about as well as the best one, what is more telling first."""
    least = min(e.error for e in found)
    rank = {mistake.name: k for k, mistake in enumerate(MISTAKES)}
    close = [e for e in found if e.error <= 10 * least + 1e-3]
    return sorted(close, key=lambda e: (len(e.mistakes), rank[e.mistakes[0].name], len(e.candidates)))


def relative_distance(given: Array, found: Array, allowed: float) -> float:
    """Return the largest difference of two tensors over what is allowed; 0 where they are equal, NaN included."""
    with np.errstate(all="ignore"):
        gap = np.abs(np.subtract(given, found, out=np.zeros(given.shape), where=given != found))
    largest = float(np.max(gap, initial=0.0))
    if largest == 0:
        return 0.0
    return largest / allowed if allowed else math.inf
