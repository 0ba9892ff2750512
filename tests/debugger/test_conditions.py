"""The condition language: what holds where, against plain loops over the pass, and what a text at fault is told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import resdebug
from resdebug.debugger.conditions.functions import FUNCTIONS, SPECIAL
from resdebug.debugger.conditions.words import WORDS
from resdebug.debugger.debugger import Debugger
from resdebug.errors import BadInput
from resdebug.passes.events import Completed, Contributed, Evaluated, Seeded
from resdebug.passes.protocol import Pass
from tests.support import GRAPHS, Builder, block, residual_chain, two_path

RESIDUAL = resdebug.differentiate(resdebug.load(GRAPHS / "residual20.json"))


def faults(text: str, pass_: Pass) -> str:
    with pytest.raises(BadInput) as caught:
        Debugger(pass_).positions(f"if {text}")
    return str(caught.value)


def completed(pass_: Pass, holds: Callable[[str, np.ndarray], bool]) -> list[int]:
    """Return the positions just after the completion of nodes for which ``holds`` does, by a plain loop."""
    found = []
    for k, event in enumerate(pass_.events, start=1):
        if isinstance(event, Completed):
            adjoint = pass_.adjoint(event.node)
            assert adjoint is not None
            if holds(event.node, adjoint):
                found.append(k)
    return found


def size(array: np.ndarray) -> float:
    return float(np.sqrt(np.sum(np.square(array.astype(np.float64)))))


def skip_and_branch(pass_: Pass, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return both contributions to a block's input: the skip's goes straight to the addition."""
    edges = pass_.arrivals(name)
    if len(edges) != 2:
        return None
    straight = [e for e in edges if pass_.network[e.consumer].op == "add"]
    round_ = [e for e in edges if pass_.network[e.consumer].op != "add"]
    return (pass_.contribution(straight[0]), pass_.contribution(round_[0])) if len(straight) == 1 else None


def test_conditions_of_norms_and_elements_against_loops() -> None:
    p = RESIDUAL
    op = {node.name: node.op for node in p.network.nodes}
    small = float(np.median([size(p.adjoint(e.node)) for e in p.events if isinstance(e, Completed)]))  # type: ignore[arg-type]
    d = Debugger(p)
    cases: dict[str, Callable[[str, np.ndarray], bool]] = {
        f"norm(adj) < {small!r}": lambda _, a: size(a) < small,
        f"{small / 2!r} <= norm(adj) <= {small!r}": lambda _, a: small / 2 <= size(a) <= small,
        "adj.max > 0.05": lambda _, a: bool(a.max() > 0.05),
        "absmax(adj) > 0.05 and not adj.max > 0.05": lambda _, a: bool(np.abs(a).max() > 0.05 >= a.max()),
        'op == "conv2d" and zeros(adj) > 0.4': lambda n, a: op[n] == "conv2d" and bool(np.mean(a == 0) > 0.4),
        'op in ("add", "conv2d") or mean(adj) > 0': lambda n, a: op[n] in {"add", "conv2d"} or bool(a.mean() > 0),
        'name ~ "conv1?" and name !~ "*5"': lambda n, _: n[:5] == "conv1" and len(n) == 6 and n[-1] != "5",
        "sum(adj) ** 2 > abs(-0.01 + 0)": lambda _, a: bool(a.sum() ** 2 > 0.01),
        "max(abs(adj - mean(adj))) > 0.05": lambda _, a: bool(np.abs(a - a.mean()).max() > 0.05),
        "norm(adj) > norm(value) / 20": lambda n, a: size(a) > size(p.value(n)) / 20,  # type: ignore[arg-type]
        "max(size, 100) == 100": lambda _, a: a.size <= 100,
        "log10(norm(adj)) < -1 and true or false": lambda _, a: bool(size(a) < 0.1),
    }
    for text, holds in cases.items():
        expected = completed(p, holds)
        assert d.positions(text) == expected, text
        assert expected, text


def test_skip_and_branch_against_the_ledger() -> None:
    p = RESIDUAL
    d = Debugger(p)

    def share(name: str, _: np.ndarray) -> bool:
        both = skip_and_branch(p, name)
        return both is not None and size(both[0]) / (size(both[0]) + size(both[1])) > 0.6

    def opposed(name: str, _: np.ndarray) -> bool:
        both = skip_and_branch(p, name)
        return both is not None and float(np.vdot(*both)) < 0

    for text, holds in {"fanout > 1 and skip_share > 0.6": share, "cos(skip, branch) < 0": opposed}.items():
        assert d.positions(text) == completed(p, holds) != []
    with_skip = completed(p, lambda name, _: skip_and_branch(p, name) is not None)
    assert d.positions("known(skip)") == with_skip
    assert d.positions("known(skip_share) and norm(adj - skip - branch) < 1e-12") == with_skip


def test_prev_is_the_node_completed_before() -> None:
    p = RESIDUAL
    norms = [size(p.adjoint(e.node)) for e in p.events if isinstance(e, Completed)]  # type: ignore[arg-type]
    at = [k for k, e in enumerate(p.events, start=1) if isinstance(e, Completed)]
    expected = [at[i] for i in range(1, len(at)) if norms[i] / norms[i - 1] > 3]
    d = Debugger(p)
    assert d.positions("norm(adj) / norm(prev(adj)) > 3") == expected != []
    assert d.positions("not known(prev(adj))") == at[:1]
    names = [e.node for e in p.events if isinstance(e, Completed)]
    after = [at[names.index(name) + 1] for name in ("add10", "add9")]
    assert d.positions('prev(name) == "add10" or prev(name == "add9")') == after


def test_moments_of_two_path() -> None:
    # d = a · (a + b), a = 4, b = 3: contributions are d -> a: 7, d -> c: 4, c -> a: 4, c -> b: 4.
    p = two_path().run()
    d = Debugger(p)

    def events(text: str) -> list[object]:
        return [p.events[k - 1] for k in d.positions(text)]

    arrivals = [e for e in p.events if isinstance(e, Contributed)]
    assert events("changed(a)") == [e for e in arrivals if e.edge.source == "a"]
    assert events("changed(d)") == [Seeded("d")]
    assert events("norm(sent) == 7") == arrivals[:1]
    assert events('slot == "b"') == [e for e in arrivals if e.edge.slot == "b"]
    assert events('consumer == "c" and norm(adj) == 11') == [e for e in arrivals if e.edge.source == "a"][1:]
    assert events("max(value) > 6") == [Evaluated("c"), Evaluated("d")]
    assert events('event == "seeded" or event == "evaluated" and depth == 2') == [
        Evaluated("b"), Evaluated("a"), Seeded("d"),
    ]  # fmt: skip
    assert events("fork") == events("fanout == 2") == events("arrivals == 2") == [Completed("a")]
    assert events("join") == [Completed("d")]
    assert events("arrived == 2") == [e for e in arrivals if e.edge == p.arrivals("a")[1]]
    assert events("adj(a).max >= 7 and position > 0")[0] == Completed("c")


def test_an_expression_at_the_cursor_is_what_the_ledger_shows() -> None:
    d = Debugger(two_path().run())
    answers = []
    for k in range(len(d.timeline) + 1):
        answer = d.ask("adj(a)", k)
        answers.append(None if answer is None else float(answer))
    arrived = [d.timeline.after_contribution(edge) for edge in d.pass_.arrivals("a")]
    assert answers == [None if k < arrived[0] else 7 if k < arrived[1] else 11 for k in range(len(answers))]  # type: ignore[operator]
    assert d.ask("value(c)", 2) is None
    assert d.ask("norm(value(c))", 3) == 7
    assert d.ask('changed(norm(adj("a")))', arrived[1]) is True
    assert d.ask('changed("a")', arrived[1]) is True


def test_a_contribution_of_zero_changes_nothing() -> None:
    b = Builder("y")
    b.leaf("x", 3.0)
    b.add("dead", "scale", {"x": "x"}, factor=0.0)
    b.add("y", "add", {"a": "x", "b": "dead"})
    d = Debugger(b.run())
    first, second = (d.timeline.after_contribution(edge) for edge in d.pass_.arrivals("x"))
    assert second is not None
    assert float(d.ask("sent", second)) == 0  # type: ignore[arg-type]
    assert d.positions("changed(x)") == [first]


def test_nan_and_infinity_are_found_where_they_begin() -> None:
    b = Builder("y")
    b.leaf("x", [0.0, 1.0])
    b.add("log", "log", {"x": "x"})
    b.add("y", "sum", {"x": "log"})
    d = Debugger(b.run())
    assert [d.timeline[k - 1] for k in d.positions("anyinf(value)")] == [Evaluated("log"), Evaluated("y")]
    assert [d.timeline[k - 1] for k in d.positions("anynan(adj) or anyinf(adj)")] == [Completed("x")]
    assert d.positions("isinf(norm(adj))") == d.positions("infs(adj) == 1 and nans(adj) == 0")


def test_the_same_on_a_trace(tmp_path: object) -> None:
    from pathlib import Path

    from resdebug.export.registry import export

    assert isinstance(tmp_path, Path)
    live = block(projection=True).run()
    export(live, tmp_path / "t.jsonl")
    recorded = Debugger(resdebug.load_trace(tmp_path / "t.jsonl"))
    for text in ("norm(adj) < 0.3", "skip_share > 0.1", "changed(x)", "max(value) > 1", "sent.absmax > 0.1", "join"):
        assert recorded.positions(text) == Debugger(live).positions(text) != [], text


@pytest.mark.parametrize(
    ("text", "code", "column", "told"),
    [
        ("nrm(adj) > 1", "C011", 1, 'did you mean "norm"?'),
        ("1 < fanot", "C011", 5, 'did you mean "fanout"?'),
        ("x > 1", "C011", 1, "adj(x)"),
        ("norm > 1", "C011", 1, "norm(t)"),
        ("op(1)", "C011", 1, "word"),
        ("adj.mx > 1", "C011", 5, 'did you mean "max"?'),
        ("changed(conv9)", "C011", 9, ""),
        ("norm(adj(conv9)) > 1", "C003", 10, 'did you mean "conv'),
        ("adj > 3", "C012", 5, "norm(adj)"),
        ("norm(adj)", "C012", 1, "true or false"),
        ("norm(adj) and fork", "C012", 1, "compare it"),
        ('name < "a"', "C012", 6, "numbers only"),
        ("name ~ op", "C012", 6, "pattern"),
        ('fanout == "2"', "C012", 8, "a number with a text"),
        ("norm(fanout) > 1", "C012", 1, "one tensor"),
        ("norm(adj < 1", "C010", 13, 'expected ")"'),
        ("norm(adj < 1)", "C012", 10, "a tensor with a number"),
        ("norm(adj", "C010", 9, 'expected ")"'),
        ('op = "relu"', "C010", 4, "write =="),
        ("fork & join", "C010", 6, "write and"),
        ('op == "relu', "C010", 7, "quote"),
        ("fork join", "C010", 6, "operator is missing"),
        ("", "C010", 1, "empty"),
        ("1e999 > 0", "C010", 1, "inf"),
        ("max(1,) > 0", "C010", 7, "expected"),
        ("\x1b[31m", "C010", 1, "U+001B"),
    ],
)
def test_a_text_at_fault_is_told_its_column_and_what_to_do(text: str, code: str, column: int, told: str) -> None:
    message = faults(text, block().run())
    assert f"error[{code}]" in message
    assert f"at column {column} " in message
    assert told in message


@pytest.mark.parametrize(
    "text",
    ["(" * 100_000, "x" * 100_000, "not " * 400 + "true", "-" * 399 + "1 > 0", "1" + "+1" * 190,
     "(" * 60 + "true" + ")" * 60,
     "norm(" * 80, "2" + "**2" * 100 + ">0", "true" + " or true" * 300, "adj" + ".max" * 100,
     'name ~ "' + "*a" * 30 + '"',
     "1 " + "in (1) " * 100, "1" + "<2" * 150 + " extra", "prev(" * 39 + "fork" + ")" * 39 + " and"],
)  # fmt: skip
def test_hostile_texts_are_refused_and_never_exhaust_the_stack(text: str) -> None:
    assert faults(text, RESIDUAL).startswith("error[C0")


def test_the_deepest_that_is_allowed_is_evaluated() -> None:
    d = Debugger(two_path().run())
    assert d.positions("(" * 38 + "true" + ")" * 38) == d.positions("true")
    assert d.positions(" or ".join(["false"] * 150 + ["true"])) == d.positions("true")
    assert d.positions("prev(" * 3 + "fork" + ")" * 3) == []
    assert d.positions("1" + "+1" * 40 + " == 41") == d.positions("true")


SNIPPETS = [
    *WORDS, *(f"{f}(" for f in FUNCTIONS), *(f"{f}(" for f in SPECIAL), ")", "(", "and", "or", "not", "<", ">=",
    "==", "~", "1", "2.5", '"relu"', "adj", ".", ",", "+", "-", "**", "in", "x", "conv1", "é", "\x00", "'", "%",
]  # fmt: skip


@settings(max_examples=400, deadline=None, derandomize=True)
@given(parts=st.lists(st.sampled_from(SNIPPETS), max_size=12))
def test_whatever_is_typed_is_answered_or_refused(parts: list[str]) -> None:
    d = Debugger(BLOCK)
    try:
        found = d.positions("if " + " ".join(parts))
    except BadInput as error:
        assert error.faults[0].code in {"C002", "C003", "C010", "C011", "C012", "C013"}
    else:
        assert found == sorted(set(found))
        assert all(1 <= k <= len(d.timeline) for k in found)


BLOCK = block().run()


def test_a_chain_of_100_000_nodes() -> None:
    d = Debugger(residual_chain(50_000, 1e-5).run())
    # dx_L/dx_k = (1 + a)^(L - k), so that it is above (1 + a)^24999.5 for k = 0 to 25 000.
    threshold = (1 + 1e-5) ** 24_999.5
    assert len(d.positions(f'norm(adj) > {threshold!r} and name ~ "x*"')) == 25_001
    assert d.positions("depth == 100000") == [len(d.timeline)]
    assert len(d.positions("fork and join")) == 49_999
