"""The replay, opened by a browser: it steps by the debugger's keys, and its numbers are those of the trace."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import resdebug
from resdebug.errors import UsageError
from resdebug.export import replay
from resdebug.export.registry import FORMATS, Request, choose_format, expected, export
from resdebug.export.replay.page import inert, page
from resdebug.passes.selection import Level, Selection
from tests.export.opened import Opened, Record, euclidean, ledger_agrees, written
from tests.support import GRAPHS, Builder, block, two_path

HOSTILE = [
    "</script><script>document.title='owned'</script>", "<img src=x onerror=document.title='owned'>", "\"'`onclick=1",
    "a\u2028b\u2029c", "x\x1b[31m\x00red", "\u202egnp.exe", "<!--", "]]>", "</style><b>", "&lt;i&gt;", "שלום", "$&",
    "${1}", "__proto__", "constructor", "x" * 400,
]  # fmt: skip
"""Names of nodes."""


def graph(name: str, **options: Any) -> resdebug.LivePass:
    return resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json"), **options)


def data_of(path: Path) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))


def test_steps_and_ledgers_are_those_of_the_trace(browser: Any, tmp_path: Path) -> None:
    pass_ = graph("resblock")
    export(pass_, tmp_path / "t.jsonl", inline=True)
    record = Record(tmp_path / "t.jsonl")
    opened = Opened(browser, written(pass_, tmp_path / "t.replay.html"))
    assert opened.position == record.seeded
    assert "seed" in opened.text("narration")
    shown = 0
    for key in ("s", "n", "f"):
        opened.press(*("g" if key == "s" else "10g"))
        stops = [k for k in record.stops[key] if key == "s" or k >= 10]
        for there in stops[1:]:
            assert opened.press(key) == there
            if there > record.seeded:
                shown += ledger_agrees(opened, record)
        assert opened.press(key) == record.last
        for there in reversed(stops[:-1]):
            assert opened.press(key.upper()) == there
    assert shown > 30
    assert opened.press("g", "1", "2", "n") == record.stops["n"][12]
    assert opened.press("ArrowRight", "ArrowRight", "ArrowLeft") == record.stops["n"][13]
    assert opened.press("3", "9", "g") == 39
    assert "(2 of 2)" in opened.text("narration")
    assert ledger_agrees(opened, record) == 2
    assert "so far, 2 of 2" in opened.text("ledger-body")
    assert opened.press("c") == 41
    assert "2 added, not averaged; equal to the adjoint" in opened.text("ledger-body")
    assert opened.press("C") == 0
    opened.press("G")
    opened.page.goto(opened.page.url.partition("#")[0] + "#23")
    opened.settle()
    assert opened.position == 23
    opened.is_clean()


def test_the_selection_stops_and_the_search(browser: Any, tmp_path: Path) -> None:
    opened = Opened(browser, written(graph("resblock"), tmp_path / "t.replay.html"))
    selected = ".row.selected .name"
    assert opened.page.inner_text(selected) == "loss"
    assert opened.press("2", "j", "k") == 17
    assert opened.page.inner_text(selected) == "relu2"
    opened.press("/")
    opened.page.keyboard.type("conv*")
    opened.press("Enter")
    assert opened.page.inner_text(selected) == "conv2"
    opened.press(".")
    assert opened.page.inner_text(selected) == "conv1"
    opened.press("b", "Escape")
    assert opened.press("c") == opened.position
    completed = json.loads((written(graph("resblock"), tmp_path / "t.json")).read_text())["records"]
    at = next(r["k"] for r in completed if r["event"] == "completed" and r["node"] == "conv1")
    assert opened.position == at
    assert opened.page.locator(".row .stop:has-text('■')").count() == 1
    opened.press("g", "/")
    opened.page.keyboard.type("bn2")
    assert opened.press("Enter", "t") == next(
        r["k"] for r in completed if r["event"] == "completed" and r["node"] == "bn2"
    )
    opened.press("l", "l", "Enter")
    assert opened.text("node-title").startswith("beta2")
    opened.press("Backspace")
    assert opened.text("node-title").startswith("bn2")
    assert opened.press("p") and opened.page.locator(".row.leaf").count() == 7  # noqa: PT018 - pressed, then looked at
    opened.press("z")
    assert opened.page.inner_text(".row .fold").replace("\u2009", " ").strip() == "▸ block1"
    opened.press("e")
    assert "this page replays" in opened.text("told")
    opened.page.click("#timeline", position={"x": 2, "y": 10})
    opened.settle()
    assert opened.position == 1
    opened.is_clean()


def test_tensors_show_all_their_digits(browser: Any, tmp_path: Path) -> None:
    pass_ = graph("resblock")
    opened = Opened(browser, written(pass_, tmp_path / "t.replay.html"), color_scheme="dark")
    opened.press("3", "9", "g")
    adjoint = pass_.ledger("x")[1].running
    assert opened.numbers("#tensor-body td data") == adjoint[0, 0].ravel().tolist()
    opened.press("]")
    assert opened.numbers("#tensor-body td data") == adjoint[0, 1].ravel().tolist()
    opened.press("v")
    assert opened.numbers("#tensor-body td data") == pass_.ledger("x")[0].contribution[0, 1].ravel().tolist()
    opened.press("}", "J", "J", "L")
    assert opened.page.inner_text("#tensor-body .readout").startswith("[0,1,0,1] = ")
    opened.press("h")
    width = opened.page.eval_on_selector("#tensor-body canvas.heat", "(c) => c.width")
    assert width > 0
    opened.press("h")
    bars = opened.page.eval_on_selector_all(".histogram rect title", "(all) => all.map((t) => t.textContent)")
    assert sum(int(text.rpartition(": ")[2]) for text in bars) == 18
    opened.press("h")
    assert "elements" in opened.text("tensor-body")
    opened.is_clean()


def test_keys_are_the_screens(browser: Any, tmp_path: Path) -> None:
    from resdebug.tui.commands import COMMANDS

    opened = Opened(browser, written(two_path().run(), tmp_path / "t.replay.html"))
    opened.press("?")
    read = "(all) => all.map((e) => [e.textContent, e.nextSibling.firstChild.textContent])"
    told = opened.page.eval_on_selector_all("#help dl.keys dt:has(kbd)", read)
    opened.press("Escape")
    screen = {command.name: command.keys_text for command in COMMANDS}
    assert len(told) > 45
    for keys, name in told:
        assert screen.pop(name) == keys
    # Whatever else the screen has a key for is said to be there, but for what a browser has itself.
    for keys in screen.values():
        for key in keys.split():
            if len(key) == 1:
                opened.press(key)
                assert "this page replays a pass" in opened.text("told"), key
    opened.is_clean()


def hostile() -> Builder:
    b = Builder(HOSTILE[0], name=HOSTILE[1], description="\n".join(HOSTILE))
    last = b.leaf("start", [1.0, -2.0])
    for k, name in enumerate(HOSTILE[1:]):
        b.leaf(f"w{k}", [float(k + 1), 0.0], "parameter", block=name)
        last = b.add(name, "mul", {"a": last, "b": f"w{k}"}, block=HOSTILE[-k % len(HOSTILE)])
    b.add(HOSTILE[0], "sum", {"x": last})
    return b


def test_hostile_names_are_text(browser: Any, tmp_path: Path) -> None:
    path = written(hostile().run(), tmp_path / "t.replay.html")
    text = path.read_bytes()
    assert text.count(b"<script") == text.count(b"</script") == 2
    assert not any(sign in text for sign in (b"\x1b", b"\x00", "\u2028".encode(), "\u202e".encode()))
    opened = Opened(browser, path)
    counts = "() => document.querySelectorAll('script, style, img, b, i, iframe, object, [onclick], [onerror]').length"
    before = opened.page.evaluate(counts)
    names = opened.page.eval_on_selector_all(".row .name", "(all) => all.map((e) => e.textContent)")
    assert names[0] == HOSTILE[0]
    for name in HOSTILE:
        shown = resdebug.text.visible(name, limit=120) if not name.isprintable() or len(name) > 120 else name
        assert shown in names
    opened.press("z", "z", "Z", "Z")
    for _ in range(len(HOSTILE) + 2):
        opened.press("n", "v", "h", "s")
    assert opened.page.evaluate(counts) == before
    assert opened.page.evaluate("() => document.body.innerText.includes('owned')") is True
    assert opened.page.title() == f"{HOSTILE[1]}: replay of backpropagation"
    opened.is_clean()


def test_data_end_no_script_and_are_what_they_were() -> None:
    document = {"name": "</script><!--<script>\u2028\u2029&", "numbers": [1.5, -0.0, 1e-300]}
    text = inert(document)
    assert not set(b"<>&") & set(text)
    assert json.loads(text) == document
    head = b"".join(page({"name": '"><script>', "rule": "sum"})).split(b"<body>")[0]
    assert b"&quot;&gt;&lt;script&gt;" in head
    assert b"default-src 'none'; script-src 'sha256-" in head


def test_a_recorded_pass_makes_the_same_page(tmp_path: Path) -> None:
    for name in ("resblock", "digits_resnet"):
        live = graph(name)
        export(live, tmp_path / f"{name}.jsonl")
        recorded = resdebug.load_trace(tmp_path / f"{name}.jsonl")
        first = written(live, tmp_path / f"{name}.replay.html")
        assert written(recorded, tmp_path / f"{name}2.replay.html").read_bytes() == first.read_bytes()


@pytest.mark.parametrize("level", [Level.ADJOINTS, Level.STATS])
def test_a_part_of_a_pass_says_what_is_missing(browser: Any, tmp_path: Path, level: Level) -> None:
    live = graph("resblock")
    export(live, tmp_path / "t.jsonl", selection=Selection(level))
    recorded = resdebug.load_trace(tmp_path / "t.jsonl")
    path = written(recorded, tmp_path / "t.replay.html")
    direct = written(live, tmp_path / "u.replay.html", selection=Selection(level))
    assert data_of(path)["tensors"] == data_of(direct)["tensors"]
    opened = Opened(browser, path)
    assert f"level {level.value}" in opened.text("notes")
    opened.press("c")
    norms = [euclidean(row.contribution.ravel().tolist()) for row in live.ledger("x")]
    assert opened.numbers("#ledger-body .entry .size data") == pytest.approx(norms, rel=1e-12)
    assert "statistics only" in opened.text("ledger-body")
    assert "too little to compare" in opened.text("ledger-body")
    opened.is_clean()


def test_a_pass_that_breaks_off(browser: Any, tmp_path: Path) -> None:
    export(graph("resblock"), tmp_path / "t.jsonl")
    lines = (tmp_path / "t.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_bytes(b"".join(lines[:31]))
    recorded = resdebug.load_trace(tmp_path / "cut.jsonl", recover=True)
    opened = Opened(browser, written(recorded, tmp_path / "t.replay.html"))
    assert "breaks off after event 30 of 47" in opened.text("notes")
    assert opened.press("G") == 30
    assert opened.press("n") == 30
    opened.press("j", "j", "j")
    assert opened.press("N") < 30
    opened.is_clean()


@pytest.mark.parametrize("rule", ["mean", "overwrite"])
def test_a_wrong_rule_is_announced_everywhere(browser: Any, tmp_path: Path, rule: str) -> None:
    path = written(graph("resblock", rule=rule), tmp_path / "t.replay.html")
    opened = Opened(browser, path)
    assert f"(rule {rule}: wrong on purpose)" in opened.page.title()
    assert f"RULE {rule.upper()}: wrong on purpose" in opened.text("wrong")
    opened.press("c")
    for pane in ("about", "narration", "ledger-body", "node-body"):
        assert "rong on purpose" in opened.text(pane), pane
    opened.is_clean()


def test_the_suffix_the_size_and_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_format(Path("a.replay.html"), None).name == "replay"
    assert choose_format(Path("a.html"), None).name != "replay"
    pass_ = block().run()
    path = written(pass_, tmp_path / "t.replay.html")
    size = expected(pass_, path, FORMATS["replay"])
    assert size is not None
    assert size.bytes == pytest.approx(path.stat().st_size, rel=0.3)
    assert replay.size(pass_, Request(Selection(Level.STATS))).bytes < size.bytes
    some = data_of(written(pass_, tmp_path / "some.replay.html", selection=Selection(nodes=("conv*",))))
    full = [name for name, ref in zip(some["nodes"]["name"], some["nodes"]["value"], strict=True)
            if "data" in some["tensors"][ref]]  # fmt: skip
    assert full == ["conv1", "conv2"]
    monkeypatch.setattr("resdebug.export.replay.bounds.MOST_EVENTS", 10)
    with pytest.raises(UsageError, match="X007"):
        export(pass_, tmp_path / "large.replay.html")
    assert not (tmp_path / "large.replay.html").exists()
