"""Every format is opened by a tool that is not ours, with names that try to be something else than text."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from resdebug.errors import UsageError
from resdebug.export.names import Slugs, slug
from resdebug.export.registry import FORMATS, expected, export
from resdebug.passes.live import LivePass
from resdebug.passes.selection import Level, Selection
from resdebug.passes.summary import cosine, summarise
from tests.support import HOSTILE, Builder, block, hostile, two_path


def adjoint(pass_: LivePass, node: str) -> np.ndarray:
    found = pass_.adjoint(node)
    assert found is not None
    return found


def test_json_by_jq(tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    export(hostile(), tmp_path / "t.json")
    program = '[.records[] | select(.event == "completed" and .node == $name) | .adjoint.data] | first'
    done = subprocess.run(
        ["jq", "-c", "--arg", "name", HOSTILE[1], program, tmp_path / "t.json"], capture_output=True, check=True
    )
    # The derivative of x² is 2x.
    assert json.loads(done.stdout) == [4, 0]


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_values_and_adjoints_by_name(tmp_path: Path, suffix: str) -> None:
    pass_, path = hostile(), tmp_path / f"t.{suffix}"
    size = expected(pass_, path, FORMATS[suffix])
    assert size is not None
    assert export(pass_, path) == size.bytes == path.stat().st_size
    assert size.exact
    if suffix == "npz":
        found = dict(np.load(path, allow_pickle=False))
        about = json.loads(found.pop("__metadata__").tobytes())
    else:
        found = load_file(path)
        with safe_open(path, "np") as opened:
            about = opened.metadata()
    assert (about["target"], about["rule"], about["digest"]) == ("the end", "sum", pass_.digest())
    names = json.loads(about["names"])
    assert "start" not in names
    assert names[slug("../../etc/passwd")] == "../../etc/passwd"
    by_node = {names.get(key.split("/", 1)[1], key.split("/", 1)[1]): key.split("/", 1)[1] for key in found}
    assert len(by_node) == len(pass_.network.nodes)
    assert len(found) == 2 * len(by_node)
    for node, key in by_node.items():
        assert "/" not in key
        assert ".." not in key
        assert np.array_equal(found[f"value/{key}"], np.asarray(pass_.value(node)))
        assert np.array_equal(found[f"adjoint/{key}"], adjoint(pass_, node))
    export(pass_, tmp_path / f"some.{suffix}", selection=Selection(Level.ADJOINTS, ("sum*",)))
    some = np.load(tmp_path / "some.npz") if suffix == "npz" else load_file(tmp_path / "some.safetensors")
    assert {k.split("/")[0] for k in some} - {"__metadata__"} == {"adjoint"}
    assert sum(k.startswith("adjoint/") for k in some) == len(HOSTILE)
    with pytest.raises(UsageError, match="X006"):
        export(pass_, tmp_path / f"none.{suffix}", selection=Selection(Level.STATS))


def test_slugs_are_names_of_files_and_each_has_its_own() -> None:
    slugs = Slugs()
    made = [slugs.of(name) for name in ["a b", "a_b", "A_B", "a/b", "a b", "...", "", "nul.txt", "x" * 500]]
    assert made == ["a_b", "a_b~2", "A_B~3", "a_b~4", "a_b", "_", "_~2", "_nul.txt", "x" * 120]
    assert all(Path(name).name == name for name in made)


def test_csv_by_the_standard_library_and_pandas(tmp_path: Path) -> None:
    pass_, path = hostile(), tmp_path / "t.csv"
    export(pass_, path)
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    order = [pass_.network.nodes[i].name for i in pass_.schedule.reverse]
    expected_rows = [(node, k, row) for node in order for k, row in enumerate(pass_.ledger(node), start=1)]
    assert len(table) == len(expected_rows)
    for told, (node, k, row) in zip(table, expected_rows, strict=True):
        for cell, text in ((told["node"], node), (told["consumer"], row.consumer), (told["slot"], row.slot)):
            assert cell.removeprefix("'") == text
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        about = summarise(row.contribution)
        assert pass_.events[int(told["event"]) - 1].node == node
        assert (int(told["arrival"]), int(told["elements"]), int(told["zeros"])) == (k, about.size, about.zeros)
        assert (float(told["norm"]), float(told["minimum"])) == (about.norm, about.minimum)
        assert float(told["running_norm"]) == summarise(row.running).norm
        assert float(told["share"]) == pytest.approx(1 / len(pass_.ledger(node)))
        before = cosine(row.contribution, pass_.ledger(node)[k - 2].running) if k > 1 else None
        assert told["cosine"] == ("" if before is None else repr(before))
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(path, keep_default_na=False, dtype={"node": str})
    assert [name.removeprefix("'") for name in frame["node"]] == [node for node, _, _ in expected_rows]
    assert frame["norm"].sum() == pytest.approx(sum(summarise(r.contribution).norm for _, _, r in expected_rows))


def nans() -> LivePass:
    b = Builder("s")
    b.leaf("x", np.array([0.0, 4.0, -1.0]))
    b.add("r", "sqrt", {"x": "x"})
    b.add("l", "log", {"x": "r"})
    b.add("s", "sum", {"x": "l"})
    return b.run()


def test_parquet_by_pyarrow_says_what_csv_says(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for pass_ in (hostile(), nans()):
        export(pass_, tmp_path / "t.parquet", force=True)
        export(pass_, tmp_path / "t.csv", force=True)
        table = parquet.read_table(tmp_path / "t.parquet")
        assert table.schema.metadata[b"digest"].decode() == pass_.digest()
        with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
            told = list(csv.DictReader(file))
        assert table.num_rows == len(told)
        for name in ("norm", "running_norm", "share", "cosine", "maximum", "nans", "infinities"):
            mine = [None if x is None else float(x) for x in table.column(name).to_pylist()]
            theirs = [None if row[name] == "" else float(row[name]) for row in told]
            assert np.array_equal(np.array(mine, float), np.array(theirs, float), equal_nan=True)
    assert sum(table.column("nans").to_pylist()) > 0


def test_without_pyarrow_a_line_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match="X008") as caught:
        export(two_path().run(), tmp_path / "t.parquet")
    assert "resdebug[parquet]" in caught.value.faults[0].hint
    assert list(tmp_path.iterdir()) == []


def test_graphml_by_networkx(tmp_path: Path) -> None:
    pass_ = hostile()
    export(pass_, tmp_path / "t.graphml")
    graph: Any = nx.read_graphml(tmp_path / "t.graphml", force_multigraph=True)
    assert (len(graph), graph.number_of_edges()) == (len(pass_.network.nodes), len(pass_.network.edges))
    for k, node in enumerate(pass_.network.nodes):
        told = graph.nodes[f"n{k}"]
        assert told["op"] == node.op
        assert told["adjoint_norm"] == summarise(adjoint(pass_, node.name)).norm
        assert told["fork"] == (len(pass_.ledger(node.name)) > 1)
        if node.name.isprintable():
            assert told["label"] == node.name
    norms = {(e["slot"], s, t): e["contribution_norm"] for s, t, e in graph.edges(data=True)}
    for edge in pass_.network.edges:
        found = norms[edge.slot, f"n{edge.source_index}", f"n{edge.consumer_index}"]
        assert found == summarise(pass_.contribution(edge)).norm
    export(nans(), tmp_path / "nan.graphml")
    odd: Any = nx.read_graphml(tmp_path / "nan.graphml")
    assert any(np.isnan(n["adjoint_norm"]) for _, n in odd.nodes(data=True))


def test_forks_joins_and_skips_are_marked(tmp_path: Path) -> None:
    pass_ = block().run()
    export(pass_, tmp_path / "t.graphml")
    graph: Any = nx.read_graphml(tmp_path / "t.graphml", force_multigraph=True)
    label = nx.get_node_attributes(graph, "label")
    assert [label[n] for n, a in graph.nodes(data=True) if a["fork"]] == ["x"]
    assert [label[n] for n, a in graph.nodes(data=True) if a["join"]] == ["add"]
    ways = {(label[s], label[t]): a["way"] for s, t, a in graph.edges(data=True) if "way" in a}
    assert ways == {("x", "conv1"): "branch", ("x", "add"): "skip"}
    assert "t" in [label[n] for n, a in graph.nodes(data=True) if "adjoint_norm" not in a]
    export(pass_, tmp_path / "t.dot")
    export(pass_, tmp_path / "t.mmd")
    dot, mermaid = (tmp_path / "t.dot").read_text(), (tmp_path / "t.mmd").read_text()
    assert sum("skip" in line and "style=bold" in line for line in dot.splitlines()) == 1
    assert sum("skip" in line and "==>" in line for line in mermaid.splitlines()) == 1
    assert dot.count("peripheries=2") == mermaid.count("{{") == 1
    export(pass_, tmp_path / "some.dot", selection=Selection(nodes=("conv*", "bn1")))
    assert (tmp_path / "some.dot").read_text().count(" -> ") == 1


def test_dot_by_graphviz(tmp_path: Path) -> None:
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    pass_ = hostile()
    export(pass_, tmp_path / "t.dot")
    done = subprocess.run(["dot", "-Tsvg", tmp_path / "t.dot"], capture_output=True, check=True)
    assert done.stderr == b""
    svg = ET.fromstring(done.stdout)  # noqa: S314 - made here
    space = "{http://www.w3.org/2000/svg}"
    groups = [g.get("class") for g in svg.iter(f"{space}g")]
    assert groups.count("node") == len(pass_.network.nodes)
    assert groups.count("edge") == len(pass_.network.edges)
    assert groups.count("cluster") == len(HOSTILE)
    texts = {"".join(t.itertext()).replace("\xa0", " ") for t in svg.iter(f"{space}text")}
    for name in HOSTILE:
        if name.isprintable() and name == name.strip():
            assert name in texts
    assert not any(True for _ in svg.iter(f"{space}a"))
    plain: Any = json.loads(
        subprocess.run(["dot", "-Tjson0", tmp_path / "t.dot"], capture_output=True, check=True).stdout
    )
    assert len(plain["edges"]) == len(pass_.network.edges)


def test_mermaid_in_a_browser(tmp_path: Path) -> None:
    script = Path(os.environ.get("RESDEBUG_TEST_TOOLS", "")) / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not script.is_file() or browser is None or importlib.util.find_spec("playwright") is None:
        pytest.skip("needs playwright, chromium, and mermaid from npm in the folder $RESDEBUG_TEST_TOOLS")
    from playwright.sync_api import sync_playwright

    pass_ = hostile()
    export(pass_, tmp_path / "t.mmd")
    chart = (tmp_path / "t.mmd").read_text(encoding="utf-8")
    with sync_playwright() as play:
        page = play.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
        page.set_content("<body></body>")
        page.add_script_tag(path=str(script))
        page.evaluate("() => mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})")
        page.evaluate("async chart => { document.body.innerHTML = (await mermaid.render('drawn', chart)).svg }", chart)
        labels = page.evaluate("() => [...document.querySelectorAll('g.node .nodeLabel')].map(e => e.innerText)")
        edges = page.evaluate("() => document.querySelectorAll('path.flowchart-link').length")
        clusters = page.evaluate("() => document.querySelectorAll('g.cluster').length")
        strange = page.evaluate("() => document.body.querySelectorAll('script, a, b, i, code, img').length")
    assert (len(labels), edges, clusters) == (len(pass_.network.nodes), len(pass_.network.edges), len(HOSTILE))
    assert strange == 0
    first_lines = {label.split("\n")[0] for label in labels}
    for name in HOSTILE:
        if name.isprintable() and name == name.strip():
            assert name in first_lines
