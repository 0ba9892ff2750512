"""Network files whose numbers are broken, or whose shapes do not fit."""

from __future__ import annotations

from tests.network.making import END, Broken, beside, edge, graph, leaf, node, valued

_NINES = "9" * 400
_DEEP = "[" * 33 + "1" + "]" * 33


def _made(rule: str) -> str:
    """Return a network whose input is made by a rule."""
    return valued(f'"value": {{{rule}}}')


def _pair(op: str, first: str, second: str, slots: tuple[str, str] = ("a", "b"), more: str = "") -> str:
    """Return a network with ``op`` of the leaves x and y; ``more`` are its settings."""
    edges = [edge("x", "z", f'"{slots[0]}"'), "@" + edge("y", "z", f'"{slots[1]}"')]
    return beside(first, second, node("z", op, more), edges=edges)


def _at_edge(text: str) -> str:
    """Expect the fault at the edge into the second slot."""
    return text.replace("@", "¦")


def _elsewhere(text: str) -> str:
    """Expect the fault where the mark is."""
    return text.replace("@", "")


def _one(op: str, x: str, more: str = "", slot: str = "x") -> str:
    """Return a network with ``op`` of the leaf x; ``more`` are its settings."""
    return beside(x, node("z", op, more), edges=[edge("x", "z", f'"{slot}"')])


VALUES = [
    Broken("no value", graph(["¦" + node("a", "input"), END], [edge("a", "end")]), "S010", hint='"value"'),
    Broken("null for a value", valued('"value": ¦null'), "S010", what='"a" has no value', hint='"value"'),
    Broken("an unknown element type of the network", beside(about='"dtype": ¦"float16"'), "S011", hint="float64"),
    Broken("an integer type for the network", beside(about='"dtype": ¦"int64"'), "S011", hint="float64"),
    Broken("an unknown element type", valued('"value": 1, "dtype": ¦"complex128"'), "S011", hint="float64"),
    Broken("a number for an element type", valued('"value": 1, "dtype": ¦64'), "S011", hint="float64"),
    Broken("too few numbers for a shape", valued('"shape": [2, 3], "value": ¦[1, 2, 3, 4, 5]'), "S012", what="6"),
    Broken("nested otherwise than the shape", valued('"shape": ¦[2], "value": [[1, 2]]'), "S012", what="(1,2)"),
    Broken("a shape beside a scalar", valued('"shape": ¦[1], "value": 1'), "S012", what="()"),
    Broken("a shape against a rule's", valued('"shape": ¦[3], "value": {"init": "ones", "shape": [2]}'), "S012"),
    Broken("a number for a shape", valued('"shape": ¦3, "value": [1, 2, 3]'), "S012", what="not a list of sizes"),
    Broken("a negative size", valued('"shape": ¦[-3], "value": [1, 2, 3]'), "S012"),
    Broken("a shape of 10^12", valued('"shape": [1000000000000], "value": ¦[1]'), "S012", what="1000000000000"),
    Broken("an unknown rule", _made('"init": ¦"kaiming", "shape": [1]'), "S013", what="kaiming", hint="kaiming_normal"),
    Broken("no rule", valued('"value": ¦{"shape": [1]}'), "S013", what="init", hint="zeros"),
    Broken("an empty object", valued('"value": ¦{}'), "S013", what="init", hint="zeros"),
    Broken("a rule without a shape", valued('"value": ¦{"init": "zeros"}'), "S013", what="shape"),
    Broken("a rule without a seed", valued('"value": ¦{"init": "normal", "shape": [1]}'), "S013", what="seed"),
    Broken("a negative seed", _made('"init": "normal", "shape": [1], "seed": ¦-1'), "S013", what=">= 0"),
    Broken("a seed of 1.5", _made('"init": "normal", "shape": [1], "seed": ¦1.5'), "S013"),
    Broken("a negative deviation", _made('"init": "normal", "shape": [1], "seed": 1, "std": ¦-1'), "S013"),
    Broken(
        "a rule with a word too many", valued('"value": {"init": "ones", "shape": [1], "std": ¦2}'), "S013", what="std"
    ),
    Broken("a rule with a negative size", _made('"init": "zeros", "shape": [2, ¦-1]'), "S013", what=">= 0"),
    Broken("a rule with half a size", _made('"init": "zeros", "shape": [¦2.5]'), "S013"),
    Broken("a rule with 33 dimensions", _made(f'"init": "zeros", "shape": ¦{[1] * 33}'), "S013", what="32"),
    Broken("a file without a tensor's name", valued('"value": ¦{"file": "w.npz"}'), "S013", what="name"),
    Broken("a number for a file", _made('"file": ¦3, "name": "w"'), "S013"),
    Broken(
        "a file and a rule", valued('"value": {"file": "w.npz", "name": "w", "init": ¦"ones"}'), "S013", what="init"
    ),
    Broken("an uneven second row", valued('"value": [[1, 2], ¦[3]]'), "S014", what="a row of 1 among rows of 2"),
    Broken("an uneven row further in", valued('"value": [[[1], [2]], [[3], ¦[4, 5]]]'), "S014", what="a row of 2"),
    Broken("a number among rows", valued('"value": [[1, 2], ¦3]'), "S014", hint="evenly nested"),
    Broken("a row among numbers", valued('"value": [1, ¦[2]]'), "S014", hint="evenly nested"),
    Broken("a string for a value", valued('"value": ¦"1.0"'), "S014", hint="a number"),
    Broken("a string among numbers", valued('"value": [1, ¦"2", 3]'), "S014", what="str"),
    Broken("true among numbers", valued('"value": [1, ¦true]'), "S014", what="bool"),
    Broken("true for a value", valued('"value": ¦true'), "S014"),
    Broken("null among numbers", valued('"value": [[1, ¦null]]'), "S014"),
    Broken("an object among numbers", valued('"value": [1, ¦{"re": 1}]'), "S014"),
    Broken("a fraction among whole numbers", valued('"dtype": "int64", "value": [1, ¦1.5]'), "S014"),
    Broken("a number among booleans", valued('"dtype": "bool", "value": [true, ¦1]'), "S014"),
    Broken("a whole number beyond int8", valued('"dtype": "int8", "value": ¦[1, 128]'), "S014", hint="wider"),
    Broken("a negative number for uint8", valued('"dtype": "uint8", "value": ¦[-1]'), "S014", hint="wider"),
    Broken("a whole number beyond int64", valued('"dtype": "int64", "value": ¦[9223372036854775808]'), "S014"),
    Broken("a whole number beyond float64", valued(f'"value": [1, ¦{_NINES}]'), "S014", what="out of range"),
    Broken("beyond float32", valued('"dtype": "float32", "value": [[1, ¦1e39]]'), "S014", hint="float64"),
    Broken(
        "fractions made for whole numbers",
        valued('"dtype": "int64", "value": {"init": ¦"normal", "shape": [2], "seed": 1}'),
        "S015",
        what="makes fractions",
    ),
    Broken("33 dimensions", valued(f'"value": ¦{_DEEP}'), "S014", what="32 dimensions", hint="flatten"),
]

SIZES = [
    Broken(
        "10^18 elements",
        _made('"init": "zeros", "shape": ¦[1000000000, 1000000000]'),
        "S001",
        what="over the limit of 256 MiB",
    ),
    Broken(
        "more bytes than a float can count",
        _made(f'"init": "zeros", "shape": ¦{[10**18] * 32}'),
        "S001",
        hint="--memory",
    ),
    Broken(
        "a sum that broadcasts to 10^10",
        beside(
            leaf("x", 100000, 1), leaf("y", 1, 100000), "¦" + node("z", "add"), edges=[edge("x", "z"), edge("y", "z")]
        ),
        "S001",
        what='"z": (100000,100000) float64 is 74.5 GiB, over the limit of 256 MiB',
        hint="--memory",
    ),
    Broken(
        "many that are too much together",
        "¦" + beside(*(leaf(f"x{i}", 5_000_000) for i in range(4))),
        "S002",
        what="6 nodes take 305 MiB, over the limit of 256 MiB",
        hint="--memory",
    ),
]

SHAPES = [
    Broken("no broadcast", _at_edge(_pair("add", leaf("x", 2), leaf("y", 3))), "S020", what="(2) and b is (3)"),
    Broken("inner sizes", _at_edge(_pair("matmul", leaf("x", 2, 3), leaf("y", 2, 3))), "S020", what="3 and 2 differ"),
    Broken(
        "kernel too large",
        _at_edge(_pair("conv2d", leaf("x", 1, 1, 2, 2), leaf("y", 1, 1, 3, 3), ("x", "weight"))),
        "S020",
        what="(3,3), more than the padded input (2,2)",
        hint="smaller kernel",
    ),
    Broken(
        "channels",
        _at_edge(_pair("conv2d", leaf("x", 1, 3, 4, 4), leaf("y", 2, 4, 1, 1), ("x", "weight"))),
        "S020",
        what="x has 3 channels, weight takes 4",
    ),
    Broken(
        "groups that do not divide",
        _elsewhere(_pair("conv2d", leaf("x", 1, 4, 4, 4), leaf("y", 4, 1, 1, 1), ("x", "weight"), '"groups": ¦3')),
        "S020",
        what="groups = 3 does not divide 4",
    ),
    Broken("elements lost", _one("reshape", leaf("x", 6), '"shape": ¦[4]'), "S020", what="6 elements", hint="4"),
    Broken("two sizes open", _one("reshape", leaf("x", 6), '"shape": ¦[-1, -1]'), "S020", hint="only one"),
    Broken("no multiple", _one("reshape", leaf("x", 6), '"shape": ¦[4, -1]'), "S020", hint="a multiple of 4"),
    Broken("no such axis", _one("sum", leaf("x", 6), '"dim": ¦1'), "S020", what="dim 1", hint="from -1 to 0"),
    Broken("an axis twice", _one("sum", leaf("x", 6), '"dim": ¦[0, -1]'), "S020", what="twice"),
    Broken("the mean of nothing", _one("mean", leaf("x", 0)).replace('{"source": "x"', '¦{"source": "x"'), "S020"),
    Broken(
        "a setting that the file leaves out",
        beside(leaf("x", 2, 3), "¦" + node("z", "batch_norm"), edges=[edge("x", "z", '"x"')]),
        "S020",
        what="inference needs running_mean and running_var",
        hint='"training": true',
    ),
    Broken(
        "two widths",
        _at_edge(_pair("add", leaf("x", 2), leaf("y", 2, more='"dtype": "float32"'))),
        "S030",
        what='"x" is float64, "y" is float32',
        hint="same",
    ),
    Broken(
        "whole numbers added",
        _at_edge(_pair("add", leaf("x", 2), node("y", "input", '"value": [1, 2], "dtype": "int64"'))),
        "S031",
        what='slot b takes floating point, and "y" is int64',
        hint="float",
    ),
    Broken(
        "classes in floating point",
        _at_edge(_pair("cross_entropy", leaf("x", 2, 3), leaf("y", 2), ("x", "target"))),
        "S020",
        what="x is (2,3) and target is (2)",
        hint="class indices are int64",
    ),
    Broken(
        "a class that is not there",
        _elsewhere(
            _pair(
                "cross_entropy",
                leaf("x", 2, 3),
                node("y", "input", '"value": [0, ¦3], "dtype": "int64"'),
                ("x", "target"),
            )
        ),
        "N001",
        what='"y"[1] is 3, and slot target of "z" (cross_entropy) has 3 classes',
        hint="from 0 to 2",
    ),
    Broken(
        "a row that is not there, in a flat list",
        _elsewhere(
            _pair(
                "embedding",
                node("x", "input", '"value": [0, 1, 2, ¦-1], "shape": [2, 2], "dtype": "int64"'),
                leaf("y", 3, 4),
                ("index", "weight"),
            )
        ),
        "N001",
        what='"x"[1, 1] is -1, and slot index of "z" (embedding) has 3 rows',
        hint="from 0 to 2",
    ),
]
