"""Network files whose nodes and edges are broken."""

from __future__ import annotations

from tests.network.making import END, LINK, ONE, Broken, beside, edge, graph, leaf, node

_X = leaf("x", 2)
_IMAGE = [leaf("img", 1, 4, 6, 6), leaf("w", 4, 4, 3, 3)]
_CONV = [edge("img", "c", '"x"'), edge("w", "c", '"weight"')]
_CONCAT = node("k", "concat")


def _conv(setting: str, weight: str = "") -> str:
    """Return a network with a convolution that has ``setting``."""
    return beside(_IMAGE[0], weight or _IMAGE[1], node("c", "conv2d", setting), edges=_CONV)


def _joined(*edges: str) -> str:
    """Return a network with x, y and a sum of two, which ``edges`` lead into."""
    return beside(_X, leaf("y", 2), node("j", "add"), edges=edges)


_AB = (edge("x", "j", '"a"'), edge("y", "j", '"b"'))

IDENTITY = [
    Broken("no id", beside('¦{"op": "input", "value": 1}'), "G013", what="node 2 has no id", hint="whole number"),
    Broken("an empty id", beside('{"id": ¦"", "op": "sum"}'), "G013", what="an empty id"),
    Broken("an array for an id", beside('{"id": ¦[1], "op": "input", "value": 1}'), "G013", what="an array"),
    Broken("1.0 for an id", beside('{"id": ¦1.0, "op": "input", "value": 1}'), "G013", what="a number"),
    Broken("true for an id", beside('{"id": ¦true, "op": "input", "value": 1}'), "G013", what="true or false"),
    Broken("null for an id", beside('{"id": ¦null, "op": "input", "value": 1}'), "G013", what="null"),
    Broken("an id twice", beside(_X, '{"id": ¦"x", "op": "input", "value": 1}'), "G014", what="nodes 2 and 3"),
    Broken(
        'both 1 and "1"',
        beside('{"id": 1, "op": "input", "value": 1}', '{"id": ¦"1", "op": "input", "value": 1}'),
        "G014",
        what='"1"',
        hint="rename one",
    ),
]

OPERATORS = [
    Broken("an unknown operator", beside('{"id": "z", "op": ¦"convv2d"}'), "G020", hint='did you mean "conv2d"?'),
    Broken("an operator like no other", beside('{"id": "z", "op": ¦"qqqqqq"}'), "G020", hint="resdebug ops"),
    Broken("no operator", beside('¦{"id": "z"}'), "G020", what='"z": has no op', hint="resdebug ops"),
    Broken("a number for an operator", beside('{"id": "z", "op": ¦7}'), "G020", what="a number"),
    Broken("an array for an operator", beside('{"id": "z", "op": ¦["relu"]}'), "G020", what="an array"),
    Broken("an attribute misspelt", _conv('"strid": ¦2'), "G022", hint='did you mean "stride"?'),
    Broken("another operator's attribute", beside(leaf("x", more='"stride": ¦2')), "G022", hint="no attributes"),
    Broken("stride 0", _conv('"stride": ¦0'), "G023", what="conv2d.stride", hint="resdebug ops conv2d"),
    Broken("stride in words", _conv('"stride": ¦"2"'), "G023", what="conv2d.stride"),
    Broken("stride true", _conv('"stride": ¦true'), "G023", what="conv2d.stride"),
    Broken("three strides", _conv('"stride": ¦[1, 1, 1]'), "G023", what="conv2d.stride"),
    Broken("one of two strides 0", _conv('"stride": [1, ¦0]'), "G023", what="conv2d.stride"),
    Broken("dilation 0", _conv('"dilation": ¦0'), "G023", what="conv2d.dilation"),
    Broken("negative padding", _conv('"padding": ¦-1'), "G023", what="conv2d.padding"),
    Broken("groups 0", _conv('"groups": ¦0'), "G023", what="conv2d.groups"),
    Broken("two at once", _conv('"stride": ¦0, "padding": ¦-1'), "G023 G023", what="conv2d.stride"),
    Broken(
        "an attribute missing",
        beside(_X, '¦{"id": "t", "op": "transpose", "dim0": 0}', edges=[edge("x", "t")]),
        "G023",
        what='needs the attribute "dim1"',
        hint="resdebug ops transpose",
    ),
]

EDGES = [
    Broken("a number for an edge", beside(edges=["¦3"]), "G015", what="edge 1", hint="source, target and slot"),
    Broken("an edge from nowhere", beside(edges=['¦{"target": "end"}']), "G015", what="source"),
    Broken("an array for a slot", beside(edges=['{"source": "one", "target": "end", "slot": ¦[0]}']), "G015"),
    Broken("true for a slot", beside(edges=['{"source": "one", "target": "end", "slot": ¦true}']), "G015"),
    Broken("null for a source", beside(edges=['{"source": ¦null, "target": "end"}']), "G015"),
    Broken("1.5 for a source", beside(edges=['{"source": ¦1.5, "target": "end"}']), "G015"),
    Broken(
        "an edge twice where no edge may be",
        beside(_X, _CONCAT, edges=[edge("x", "k"), "¦" + edge("x", "k")], top='"directed": true, "multigraph": false'),
        "G016",
        what='edges 1 and 2 both lead from "x" to "k"',
        hint="MultiDiGraph",
    ),
    Broken(
        "an unknown source",
        beside(leaf("conv", 2), _CONCAT, edges=[edge("conv", "k"), edge("c0nv", "k").replace('"c0nv"', '¦"c0nv"')]),
        "G021",
        what='edge 2 names unknown node "c0nv"',
        hint='did you mean "conv"?',
    ),
    Broken("an unknown target", beside(edges=['{"source": "one", "target": ¦"ennd"}']), "G021", hint='"end"'),
    Broken("both ends unknown", beside(edges=['{"source": ¦"q", "target": ¦"r"}']), "G021 G021", what='"q"'),
]

SLOTS = [
    Broken("an unknown slot", _joined(*_AB, edge("x", "j", '¦"c"')), "G040", what="no slot c", hint="a, b"),
    Broken(
        "a slot misspelt",
        beside(*_IMAGE, node("c", "conv2d"), edges=[*_CONV, edge("w", "c", '¦"biass"')]),
        "G040",
        hint='did you mean "bias"?',
    ),
    Broken("a slot beyond the last", _joined(*_AB, edge("x", "j", "¦2")), "G040", what="no slot 2", hint="a, b"),
    Broken("a negative slot", _joined(*_AB, edge("x", "j", "¦-1")), "G040", what="no slot -1"),
    Broken("one edge too many", _joined(*_AB, "¦" + edge("x", "j")), "G040", what="no slot 2", hint="a, b"),
    Broken("an edge into an input", beside(_X, edges=["¦" + edge("one", "x")]), "G040", hint="only have a value"),
    Broken("a slot twice", _joined(*_AB, edge("x", "j", '¦"a"')), "G041", what="edges 1 and 3", hint="a, b"),
    Broken("a slot by name and by index", _joined(*_AB, edge("y", "j", "¦1")), "G041", what="slot b"),
    Broken("a slot empty", beside(_X, "¦" + node("j", "add"), edges=_AB[:1]), "G042", what="lacks b", hint="2 slots"),
    Broken("no input at all", beside("¦" + node("j", "add")), "G042", what="lacks a, b", hint="2 slots: a, b"),
    Broken("nothing to join", beside("¦" + _CONCAT), "G042", what="lacks x0"),
    Broken(
        "a gap among numbered slots",
        beside(_X, "¦" + _CONCAT, edges=[edge("x", "k", '"x0"'), edge("x", "k", '¦"x2"')]),
        "G042 G040",
        what="lacks x1",
    ),
]

CYCLES = [
    Broken("a loop", beside(node("r", "relu"), edges=["¦" + edge("r", "r")]), "G030", what="r → r", hint="unroll"),
    Broken(
        "a cycle of two",
        beside(node("p", "relu"), node("q", "relu"), edges=["¦" + edge("p", "q"), edge("q", "p")]),
        "G030",
        what="p → q → p",
        hint="unroll",
    ),
    Broken(
        "a cycle of two with a tail and a way in",
        beside(
            *(node(name, op) for name, op in [("tail", "relu"), ("p", "relu"), ("j", "add")]),
            edges=[edge("one", "j", '"a"'), edge("j", "p"), edge("p", "j", '"b"'), edge("p", "tail")],
        ).replace(edge("p", "j", '"b"'), "¦" + edge("p", "j", '"b"')),
        "G030",
        what="p → j → p",
    ),
]

_TWO_ENDS = [ONE, END, node("other", "sum"), _X]

TARGETS = [
    Broken("an unknown target", graph([ONE, END], [LINK], '"target": ¦"ends"'), "G050", hint='did you mean "end"?'),
    Broken("two targets in the file", graph([ONE, END], [LINK], '"target": ¦["one", "end"]'), "G050", hint="single"),
    Broken("true for a target", graph([ONE, END], [LINK], '"target": ¦true'), "G050"),
    Broken("no target", "¦" + graph([_X, node("r", "relu")], [edge("x", "r")]), "G051", hint="loss, sum or mean"),
    Broken("only an input", "¦" + graph([ONE]), "G051", what="no target"),
    Broken(
        "two could be the target",
        "¦" + graph(_TWO_ENDS, [LINK, edge("one", "other")]),
        "G051",
        what='2 nodes could be the target: "end", "other"',
        hint="--target",
    ),
    Broken(
        "the target is a vector",
        graph([*_TWO_ENDS, node("r", "relu")], [LINK, edge("x", "other"), edge("x", "r")], '"target": ¦"r"'),
        "S040",
        what='"r" is not a scalar: it is (2) float64',
        hint='--target: "end", "other"',
    ),
    Broken(
        "the target is a whole number",
        beside(node("n", "input", '"value": 3, "dtype": "int64"'), about='"target": ¦"n"'),
        "S040",
        what="() int64",
    ),
]
