"""From plain node-link data to a checked network; every fault of the data comes out in one run.

The checks look at the raw data because networkx merges, invents and drops in silence. Faults carry JSON pointers;
whoever has the text turns them into lines and columns.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from resdebug.network import limits
from resdebug.network.document import kind_of
from resdebug.network.faults import FaultList
from resdebug.network.indices import check_indices
from resdebug.network.model import Edge, Network, Node
from resdebug.network.pause import collection_paused
from resdebug.network.positions import escape
from resdebug.network.shapes import ShapeChecker
from resdebug.network.signature import LEAVES, Catalogue, Signature
from resdebug.network.targets import choose_target, named_target, warn_of_idle_parts
from resdebug.network.tensorfiles import TensorFiles
from resdebug.network.types import FLOATS
from resdebug.network.values import Value, ValueFault, read_value, split_path
from resdebug.network.wiring import EdgeEntry, Wiring, find_cycle, topological
from resdebug.text import did_you_mean, visible

KNOWN_KEYS: Final = frozenset({"id", "op", "block", "name"})
LEAF_KEYS: Final = frozenset({"value", "dtype", "shape"})
EDGE_KEYS: Final = frozenset({"source", "target", "slot", "key"})


def build(
    raw: Mapping[str, Any],
    catalogue: Catalogue,
    *,
    folder: Path | None = None,
    target: str | None = None,
    limit: int | None = None,
    kept: bool = True,
) -> Network:
    """Check node-link data and return the network.

    ``folder`` is where tensor files may lie; ``target`` overrides the file's; ``limit`` is the memory in bytes that
    values and adjoints together may take (80 % of what is free), unless they are not to be ``kept``. Raises BadInput
    or MissingInput with every fault.
    """
    with collection_paused():
        bytes_ = limits.memory_limit() if limit is None else limit
        return _Builder(raw, catalogue, folder, target, bytes_, kept=kept).build()


class _Builder:
    def __init__(
        self,
        raw: Mapping[str, Any],
        catalogue: Catalogue,
        folder: Path | None,
        target: str | None,
        limit: int,
        *,
        kept: bool = True,
    ) -> None:
        self.raw = raw
        self.catalogue = catalogue
        self.target = target
        self.limit = limit
        self.kept = kept
        self.faults = FaultList()
        self.files = TensorFiles(folder)
        self.fields = {op: {f.encode_name: f for f in msgspec.structs.fields(c)} for op, c in catalogue.items()}  # type: ignore[arg-type]
        self.words = frozenset(name for fields in self.fields.values() for name in fields)
        self.judged: dict[tuple[str, str], str | None] = {}
        self.usual: dict[tuple[Any, ...], Signature] = {}
        """Operators without attributes, by name and all keys of a node that nothing was wrong with."""

    def build(self) -> Network:
        raw_nodes, raw_edges, edges_key = self.top_level()
        about = self.about()
        names = self.names(raw_nodes)
        operators = [self.operator(i, node, names) for i, node in enumerate(raw_nodes)]
        values = {
            i: value
            for i, node in enumerate(raw_nodes)
            if names[i] is not None
            and node.get("op") in LEAVES
            and (value := self.value(i, node, names[i] or "", about["dtype"])) is not None
        }
        wiring = Wiring(edges_key, names, operators, bool(self.raw.get("multigraph", True)), self.faults)
        edges, inputs = wiring.connect(self.edge_entries(raw_edges, edges_key))
        order = topological(len(raw_nodes), edges)
        if len(order) < len(raw_nodes):
            self.report_cycle(edges, edges_key, order, names)
        checker = ShapeChecker(self.faults, names, edges_key, self.limit, kept=self.kept)
        types = checker.run(order, operators, inputs, {i: value.type for i, value in values.items()})
        check_indices(self.faults, raw_nodes, operators, inputs, types, values)
        nodes = [
            Node(i, name, node["op"], operator, type_, _block(node), inputs[i], node)
            for i, (node, name, operator, type_) in enumerate(zip(raw_nodes, names, operators, types, strict=True))
            if name is not None and operator is not None and type_ is not None
        ]
        named = named_target(self.faults, names, self.target, about["target"])
        self.faults.stop_if_any()
        chosen = choose_target(self.faults, nodes, edges, named)
        self.faults.stop_if_any()
        warn_of_idle_parts(self.faults, nodes, edges, chosen)
        return Network(
            name=about["name"],
            description=about["description"],
            target=nodes[chosen].name,
            dtype=about["dtype"],
            nodes=nodes,
            edges=edges,
            values={nodes[i].name: value for i, value in values.items()},
            about=self.raw.get("graph", {}),
            warnings=self.faults.warnings,
            catalogue=self.catalogue,
            limit=self.limit,
            inputs_first=order,
        )

    def top_level(self) -> tuple[list[dict[str, Any]], list[Any], str]:
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
        lists: list[list[Any]] = []
        for name in ("nodes", key):
            value = self.raw.get(name)
            if not isinstance(value, list):
                what = f'has no "{name}"' if value is None else f'"{name}" is {kind_of(value)}, not an array'
                self.faults.add("J040", what, hint, pointer=f"/{name}" if name in self.raw else "")
                value = []
            lists.append(value)
        nodes = []
        for i, node in enumerate(lists[0]):
            if not isinstance(node, dict):
                self.faults.add("J040", f"node {i} is {kind_of(node)}, not an object", hint, pointer=f"/nodes/{i}")
            nodes.append(node if isinstance(node, dict) else {})
        if not nodes and not self.faults.errors:
            self.faults.add("G012", "the graph has no nodes", "a network needs at least an input", pointer="/nodes")
        return nodes, lists[1], key

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

    def names(self, nodes: Sequence[dict[str, Any]]) -> list[str | None]:
        """Check the ids; return each node's name (numbers become text), None where there is none to use."""
        ids: list[Any] = [node.get("id") for node in nodes]
        if {*map(type, ids)} <= {str} and len(set(ids)) == len(ids) and "" not in ids and "".join(ids).isascii():
            return ids
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
        return names

    def operator(self, i: int, node: dict[str, Any], names: Sequence[str | None]) -> Signature | None:
        """Check a node's operator and its attributes; return the operator, or None where something is wrong."""
        op = node.get("op")
        keys = op if isinstance(op, str) else "", *node
        if keys in self.usual and type(node.get("block", "")) is str:
            return self.usual[keys]
        name = names[i] or (str(node["id"]) if isinstance(node.get("id"), str | int) else f"#{i}")
        if not isinstance(op, str) or op not in self.catalogue:
            if node:
                shown = f"unknown operator {visible(op)}" if isinstance(op, str) else f"an op cannot be {kind_of(op)}"
                what = "has no op" if op is None else shown
                near = self.faults.suggest(op, self.catalogue) if isinstance(op, str) else ""
                hint = near or "resdebug ops lists them all"
                pointer = f"/nodes/{i}" + ("/op" if "op" in node else "")
                self.faults.add("G020", f'"{visible(name)}": {what}', hint, pointer=pointer, node=name)
            return None
        block = node.get("block", "")
        if not isinstance(block, str):
            what = f'"{visible(name)}": a block is named by a string, not by {kind_of(block)}'
            self.faults.add("J041", what, pointer=f"/nodes/{i}/block", node=name)
        fields = self.fields[op]
        given = {}
        for key, value in node.items():
            if key in fields:
                given[key] = value
            elif key not in KNOWN_KEYS and (hint_ := self.judge(op, key)) is not None:
                what = f'"{visible(name)}": {op} has no attribute "{visible(key)}"'
                self.faults.add("G022", what, hint_, pointer=f"/nodes/{i}{escape(key)}", node=name)
        try:
            operator: Signature = msgspec.convert(given, self.catalogue[op])
        except msgspec.ValidationError:
            self.explain_attributes(i, name, op, given)
            return None
        for key, value in given.items():
            if isinstance(value, float) and not math.isfinite(value):
                what = f'"{visible(name)}": {op}.{key} is {value}, which no file can hold'
                self.faults.add("G023", what, "give a finite number", pointer=f"/nodes/{i}{escape(key)}", node=name)
        if not given and all(key in KNOWN_KEYS or self.judge(op, key) is None for key in node):
            self.usual[keys] = operator
        return operator

    def judge(self, op: str, key: str) -> str | None:
        """Say what a key that the operator does not know could have meant; None when it is somebody's own data."""
        if (op, key) not in self.judged:
            near = did_you_mean(key, self.fields[op]) if self.fields[op] else ""
            known = "its attributes: " + ", ".join(self.fields[op]) if self.fields[op] else f"{op} has no attributes"
            if key in LEAF_KEYS:
                verdict = None if op in LEAVES else "only inputs, parameters and constants have it"
            elif near.startswith("did you mean"):
                verdict = near
            else:
                verdict = known if key in self.words else None
            self.judged[op, key] = verdict
        return self.judged[op, key]

    def explain_attributes(self, i: int, name: str, op: str, given: dict[str, Any]) -> None:
        """Report every attribute that is missing or of the wrong kind."""
        for key, field in self.fields[op].items():
            if key not in given:
                if field.required:
                    what = f'"{visible(name)}": {op} needs the attribute "{key}"'
                    hint = f"resdebug ops {op} shows what it takes"
                    self.faults.add("G023", what, hint, pointer=f"/nodes/{i}", node=name)
                continue
            try:
                msgspec.convert(given[key], field.type)
            except msgspec.ValidationError as error:
                what, path = split_path(error)
                what = f'"{visible(name)}": {op}.{key}: {visible(what)}'
                hint = f"resdebug ops {op} shows what it takes"
                self.faults.add("G023", what, hint, pointer=f"/nodes/{i}{escape(key)}{path}", node=name)

    def value(self, i: int, node: dict[str, Any], name: str, dtype: str) -> Value | None:
        """Read where a leaf's numbers come from; None where that is wrong."""
        try:
            return read_value(node, dtype, self.files, self.limit)
        except ValueFault as fault:
            what = f'"{visible(name)}" {fault.what}' if fault.code == "S010" else f'"{visible(name)}": {fault.what}'
            self.faults.add(fault.code, what, fault.hint, pointer=f"/nodes/{i}{fault.path}", node=name)
            return None

    def edge_entries(self, raw: Sequence[Any], key: str) -> list[EdgeEntry | None]:
        """Decode the edges; None where one is not of the right form."""
        if not all(EDGE_KEYS.issuperset(keys) for keys in {tuple(item) for item in raw if isinstance(item, dict)}):
            for k, item in enumerate(raw):
                if isinstance(item, dict) and not item.keys() <= EDGE_KEYS:
                    self.judge_edge(k, item, key)
        try:
            return list(msgspec.convert(raw, list[EdgeEntry]))
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

    def report_cycle(self, edges: Sequence[Edge], key: str, order: Sequence[int], names: Sequence[str | None]) -> None:
        """Name a cycle, at most eight nodes of it."""
        cycle = find_cycle(len(names), edges, order)
        shown = [visible(edge.source, limit=40) for edge in cycle[:8]]
        tail = [f"… ({len(cycle)} nodes)"] if len(cycle) > 8 else []
        what = "the graph has a cycle: " + " → ".join([*shown, *tail, visible(cycle[0].source, limit=40)])
        hint = "unroll it: a value cannot depend on itself"
        self.faults.add("G030", what, hint, pointer=f"/{key}/{cycle[0].index}", node=cycle[0].source)


def _is_text(name: str) -> bool:
    """Whether a name can be written to a file: no half of a surrogate pair."""
    return name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)


def _block(node: Mapping[str, Any]) -> str:
    block = node.get("block", "")
    return block if isinstance(block, str) else ""
