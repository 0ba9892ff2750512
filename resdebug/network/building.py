"""From plain node-link data to a checked network; every fault of the data comes out in one run.

The checks look at the raw data because networkx merges, invents and drops in silence. Faults carry JSON pointers;
whoever has the text turns them into lines and columns.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from resdebug.network import limits
from resdebug.network.attributes import OperatorChecker
from resdebug.network.distinct import Distinct
from resdebug.network.document import kind_of
from resdebug.network.entries import EdgeColumns, EdgeEntry
from resdebug.network.faults import FaultList
from resdebug.network.indices import check_indices
from resdebug.network.model import Network
from resdebug.network.parts import Nodes
from resdebug.network.pause import collection_paused
from resdebug.network.positions import escape
from resdebug.network.progress import Report, Step, tell
from resdebug.network.shapes import ShapeChecker
from resdebug.network.signature import LEAVES, Catalogue, Signature, name_of
from resdebug.network.targets import choose_target, named_target, warn_of_idle_parts
from resdebug.network.tensorfiles import TensorFiles
from resdebug.network.types import FLOATS
from resdebug.network.values import Value, ValueFault, read_value, split_path
from resdebug.network.wires import Wires
from resdebug.network.wiring import Wiring
from resdebug.text import visible

EDGE_KEYS: Final = frozenset({"source", "target", "slot", "key"})


def build(
    raw: Mapping[str, Any],
    catalogue: Catalogue,
    *,
    folder: Path | None = None,
    target: str | None = None,
    limit: int | None = None,
    kept: bool = True,
    report: Report | None = None,
) -> Network:
    """Check node-link data and return the network.

    ``folder`` is where tensor files may lie; ``target`` overrides the file's; ``limit`` is the memory in bytes that
    values and adjoints together may take (80 % of what is free), unless they are not to be ``kept``. Raises BadInput
    or MissingInput with every fault.
    """
    with collection_paused():
        bytes_ = limits.memory_limit() if limit is None else limit
        return _Builder(raw, catalogue, folder, target, bytes_, kept=kept, report=report).build()


class _Builder:
    def __init__(
        self,
        raw: Mapping[str, Any],
        catalogue: Catalogue,
        folder: Path | None,
        target: str | None,
        limit: int,
        *,
        kept: bool,
        report: Report | None,
    ) -> None:
        self.raw = raw
        self.catalogue = catalogue
        self.target = target
        self.limit = limit
        self.kept = kept
        self.report = report
        self.faults = FaultList()
        self.files = TensorFiles(folder)

    def build(self) -> Network:
        raw_nodes, raw_edges, edges_key = self.top_level()
        about = self.about()
        names, index = self.names(raw_nodes)
        tell(self.report, Step.NAMED)
        operators = OperatorChecker(self.catalogue, self.faults).run(raw_nodes, names)
        tell(self.report, Step.OPERATORS)
        values = self.values(raw_nodes, names, operators, about["dtype"])
        tell(self.report, Step.VALUES)
        multigraph = bool(self.raw.get("multigraph", True))
        wiring = Wiring(edges_key, names, index, operators, multigraph, self.faults)
        wires = wiring.connect(self.edge_entries(raw_edges, edges_key))
        tell(self.report, Step.WIRED)
        order = wires.inputs_first()
        if len(order) < len(raw_nodes):
            self.report_cycle(wires, edges_key, order, names)
        checker = ShapeChecker(self.faults, names, edges_key, wires, self.limit, kept=self.kept)
        types = checker.run(order, operators, {i: value.type for i, value in values.items()})
        tell(self.report, Step.TYPED)
        check_indices(self.faults, raw_nodes, names, operators, wires, types, values)
        named = named_target(self.faults, index, self.target, about["target"])
        self.faults.stop_if_any()
        nodes = Nodes.checked(names, operators, types, wires, raw_nodes, index)
        chosen = choose_target(self.faults, nodes, named)
        self.faults.stop_if_any()
        warn_of_idle_parts(self.faults, nodes, chosen)
        tell(self.report, Step.CHECKED)
        return Network(
            name=about["name"],
            description=about["description"],
            target=nodes.names[chosen],
            dtype=about["dtype"],
            nodes=nodes,
            values={nodes.names[i]: value for i, value in values.items()},
            about=self.raw.get("graph", {}),
            warnings=self.faults.warnings,
            catalogue=self.catalogue,
            limit=self.limit,
            inputs_first=order,
        )

    def top_level(self) -> tuple[list[dict[str, Any]], Any, str]:
        """Check the outermost keys; return nodes, edges, and the key that the edges stand under."""
        hint = "write the graph with networkx.node_link_data"
        directed = self.raw.get("directed")
        if directed is not True:
            what = "the graph is not directed" if directed is False else 'has no "directed": true'
            pointer = "/directed" if "directed" in self.raw else ""
            self.faults.add("G010", what, "use networkx.MultiDiGraph: adjoints flow against the edges", pointer=pointer)
        if not isinstance(self.raw.get("multigraph", True), bool):
            self.faults.add("J040", '"multigraph" is true or false', pointer="/multigraph")
        if "edges" in self.raw and "links" in self.raw:
            self.faults.add("G011", 'has both "edges" and "links"', "keep one of them", pointer="/links")
        key = "links" if "links" in self.raw and "edges" not in self.raw else "edges"
        lists: list[Any] = []
        for name in ("nodes", key):
            value = self.raw.get(name)
            if not isinstance(value, list | EdgeColumns):
                what = f'has no "{name}"' if value is None else f'"{name}" is {kind_of(value)}, not an array'
                self.faults.add("J040", what, hint, pointer=f"/{name}" if name in self.raw else "")
                value = []
            lists.append(value)
        nodes, edges = lists
        if not {*map(type, nodes)} <= {dict}:
            for i, node in enumerate(nodes):
                if not isinstance(node, dict):
                    self.faults.add("J040", f"node {i} is {kind_of(node)}, not an object", hint, pointer=f"/nodes/{i}")
            nodes = [node if isinstance(node, dict) else {} for node in nodes]
        if not nodes and not self.faults.errors:
            self.faults.add("G012", "the graph has no nodes", "a network needs at least an input", pointer="/nodes")
        return nodes, edges, key

    def about(self) -> dict[str, Any]:
        """Check what the file says of the network as a whole."""
        graph = self.raw.get("graph", {})
        if not isinstance(graph, dict):
            self.faults.add("J040", f'"graph" is {kind_of(graph)}, not an object', pointer="/graph")
            graph = {}
        about: dict[str, Any] = {"name": "", "description": "", "dtype": "float64", "target": None}
        for key in ("name", "description", "dtype"):
            if key in graph and not isinstance(graph[key], str):
                self.faults.add("J041", f"{key} is {kind_of(graph[key])}, not a string", pointer=f"/graph/{key}")
            elif key in graph and not _is_text(graph[key]):
                self.faults.add("J041", f"{key} holds half a character", pointer=f"/graph/{key}")
            elif key in graph:
                about[key] = graph[key]
        if about["dtype"] not in FLOATS:
            what = f'unknown element type "{visible(about["dtype"])}"'
            self.faults.add("S011", what, "use float64 or float32", pointer="/graph/dtype")
            about["dtype"] = "float64"
        about["target"] = graph.get("target")
        return about

    def names(self, nodes: Sequence[dict[str, Any]]) -> tuple[list[str | None], dict[str, int]]:
        """Check the ids; return each node's name (numbers become text), None where there is none to use, and where
        each name stands."""
        ids: list[Any] = [node.get("id") for node in nodes]
        if _are_plain(ids):
            place = dict(zip(ids, range(len(ids)), strict=True))
            if len(place) == len(ids) and "" not in place:
                return ids, place
        names: list[str | None] = []
        first: dict[str, int] = {}
        for i, node in enumerate(nodes):
            given = node.get("id")
            if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
                if node:
                    what = f"node {i} has no id" if "id" not in node else f"node {i}: an id cannot be {kind_of(given)}"
                    what = f"node {i} has an empty id" if given == "" else what
                    hint = "an id is a string or a whole number"
                    self.faults.add("G013", what, hint, pointer=f"/nodes/{i}" + ("/id" if "id" in node else ""))
                names.append(None)
                continue
            name = str(given)
            if not _is_text(name):
                self.faults.add("G013", f"node {i}: an id with half a character", pointer=f"/nodes/{i}/id")
                names.append(None)
                continue
            if name in first:
                what = f'two nodes are called "{visible(name)}" (nodes {first[name]} and {i})'
                self.faults.add("G014", what, "rename one of them", pointer=f"/nodes/{i}/id", node=name)
                names.append(None)
                continue
            first[name] = i
            names.append(name)
        return names, first

    def values(
        self,
        nodes: Sequence[dict[str, Any]],
        names: Sequence[str | None],
        operators: Distinct[Signature | None],
        dtype: str,
    ) -> dict[int, Value]:
        """Read where the numbers of all leaves come from, by node; those that are wrong are left out."""
        values: dict[int, Value] = {}
        maybe = operators.where(lambda operator: operator is None or name_of(operator) in LEAVES)
        for i in np.flatnonzero(maybe).tolist():
            if nodes[i].get("op") not in LEAVES or names[i] is None:
                continue
            try:
                values[i] = read_value(nodes[i], dtype, self.files, self.limit)
            except ValueFault as fault:
                name = names[i] or ""
                what = f'"{visible(name)}"' + (" " if fault.code == "S010" else ": ") + fault.what
                self.faults.add(fault.code, what, fault.hint, pointer=f"/nodes/{i}{fault.path}", node=name)
        return values

    def edge_entries(self, raw: Any, key: str) -> EdgeColumns | list[EdgeEntry | None]:
        """Decode the edges; None where one is not of the right form."""
        if isinstance(raw, EdgeColumns):
            return raw
        if not all(EDGE_KEYS.issuperset(keys) for keys in {tuple(item) for item in raw if isinstance(item, dict)}):
            for k, item in enumerate(raw):
                if isinstance(item, dict) and not item.keys() <= EDGE_KEYS:
                    self.judge_edge(k, item, key)
        try:
            return EdgeColumns.of(msgspec.convert(raw, list[EdgeEntry]))
        except msgspec.ValidationError:
            pass
        entries: list[EdgeEntry | None] = []
        for k, item in enumerate(raw):
            try:
                entries.append(msgspec.convert(item, EdgeEntry))
            except msgspec.ValidationError as error:
                what, path = split_path(error)
                self.faults.add(
                    "G015", f"edge {k}: {what}", "an edge has source, target and slot", pointer=f"/{key}/{k}{path}"
                )
                entries.append(None)
        return entries

    def judge_edge(self, k: int, item: Mapping[str, Any], key: str) -> None:
        """Report a key of an edge that is nearly ``slot``; other keys are somebody's own data."""
        for word in item.keys() - EDGE_KEYS:
            if "slot" not in item and difflib.get_close_matches(word[:20], ["slot"], cutoff=0.6):
                hint = 'did you mean "slot"?'
                self.faults.add("G015", f'edge {k} has no "{visible(word)}"', hint, pointer=f"/{key}/{k}{escape(word)}")

    def report_cycle(self, wires: Wires, key: str, order: Sequence[int], names: Sequence[str | None]) -> None:
        """Name a cycle, at most eight nodes of it."""
        cycle = wires.cycle(order)
        sources = [names[i] or "" for i in wires.source[cycle].tolist()]
        shown = [visible(name, limit=40) for name in sources[:8]]
        tail = [f"… ({len(cycle)} nodes)"] if len(cycle) > 8 else []
        what = "the graph has a cycle: " + " → ".join([*shown, *tail, shown[0]])
        hint = "unroll it: a value cannot depend on itself"
        self.faults.add("G030", what, hint, pointer=f"/{key}/{cycle[0]}", node=sources[0])


def _are_plain(ids: Sequence[Any]) -> bool:
    """Whether all ids are strings of ASCII."""
    try:
        return "".join(ids).isascii()
    except TypeError:
        return False


def _is_text(name: str) -> bool:
    """Whether a name can be written to a file: no half of a surrogate pair."""
    return name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)
