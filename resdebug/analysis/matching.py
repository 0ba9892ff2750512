"""Whose gradient is this? Names in a file of gradients, as people and frameworks write them, to nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from resdebug.network.model import Network
from resdebug.text import did_you_mean

BEFORE: Final = ("grad_", "grad.", "grad/", "d_", "d", "∂", "module.", "_orig_mod.", "model.", "adjoint.", "adjoint_")
AFTER: Final = (".grad", "_grad", "/grad", "_bar", "̄")
"""What people put before and after a name when they mean its gradient, or frameworks when they wrap a model."""

HINTED: Final = 50
"""So many names get a hint: looking for what was meant takes a while."""


@dataclass(frozen=True, slots=True)
class Match:
    """A name that is no node's, and what it could have meant."""

    name: str
    hint: str


def match_names(network: Network, names: Iterable[str]) -> tuple[dict[str, str], list[Match]]:
    """Return the given name by node, and the names that fit no node.

    A name that is a node's is that node's; another one may be a node's with a usual prefix or suffix (``dW1``,
    ``W1.grad``, ``module.W1``), unless that node was named itself or several names mean it.
    """
    given = list(dict.fromkeys(names))
    matched = {name: name for name in given if name in network}
    others: dict[str, list[str]] = {}
    for name in given:
        if name not in network:
            node = next((short for short in _shortened(name) if short in network), None)
            if node is not None:
                others.setdefault(node, []).append(name)
    for node, meant in others.items():
        if node not in matched and len(meant) == 1:
            matched[node] = meant[0]
    used = set(matched.values())
    words = [node.name for node in network.nodes]
    unknown = [name for name in given if name not in used]
    return matched, [Match(name, did_you_mean(name, words) if k < HINTED else "") for k, name in enumerate(unknown)]


def _shortened(name: str) -> Iterator[str]:
    """Yield what is left of a name without its prefixes and suffixes, the least shortened first."""
    level = [name]
    for _ in range(3):
        following = []
        for word in level:
            following += [word.removeprefix(prefix) for prefix in BEFORE if word.startswith(prefix)]
            following += [word.removesuffix(suffix) for suffix in AFTER if word.endswith(suffix)]
        level = [word for word in following if word]
        yield from level
