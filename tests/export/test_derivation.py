"""The derivation in each form, opened by what draws that form."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import networkx as nx
import pytest

import resdebug
from resdebug.analysis.derivation.derive import derive
from resdebug.export.derivation_html import as_html
from resdebug.export.derivation_latex import as_latex
from resdebug.export.derivation_markdown import as_markdown
from resdebug.export.mathml import NotWritten, inline, mathml
from resdebug.export.registry import choose_format, expected, export
from resdebug.ops import CATALOGUE
from resdebug.ops.formula import Form, generic, name
from resdebug.text import visible
from tests.support import GRAPHS, HOSTILE, block, hostile, two_path


class Elements(HTMLParser):
    """Counts the elements of a page, and collects its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, int] = {}
        self.text: list[str] = []
        self.code: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the name is given
        self.found[tag] = self.found.get(tag, 0) + 1
        if tag == "code":
            self.code.append("")

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.lasttag == "code" and self.code:
            self.code[-1] += data


def harmless(text: str) -> str:
    """Return a name of the same length in which nothing means anything."""
    return "".join(c if c.isalnum() else "x" for c in visible(text))


def renamed() -> resdebug.Network:
    """Return the hostile network with harmless names in the places of the hostile ones."""
    graph = hostile().network.graph
    names = {node: f"{harmless(node)}{k}" for k, node in enumerate(graph) if node in HOSTILE}
    tame = nx.relabel_nodes(graph, names)
    for _, about in tame.nodes(data=True):
        about["block"] = "plain" if about.get("block") else ""
    tame.graph["target"] = names.get(tame.graph["target"], tame.graph["target"])
    return resdebug.from_networkx(tame)


def test_markdown_by_the_renderer_of_github() -> None:
    if importlib.util.find_spec("cmarkgfm") is None:
        pytest.skip("needs cmarkgfm")
    import cmarkgfm

    def page(text: str) -> Elements:
        return Elements(cmarkgfm.github_flavored_markdown_to_html(text))

    bad = page(as_markdown(derive(hostile())))
    tame = page(as_markdown(derive(resdebug.differentiate(renamed()))))
    assert set(bad.found) == set(tame.found)
    for tag in ("a", "img", "script", "em", "ul", "ol", "li", "blockquote", "hr"):
        assert bad.found.get(tag, 0) == tame.found.get(tag, 0), tag
    for tag in ("table", "tr", "td", "h2", "h3", "pre"):
        assert bad.found[tag] == tame.found[tag], tag
    said = " ".join(bad.text)
    for text in HOSTILE:
        assert visible(text, limit=40) in said, text


def test_markdown_fences_every_formula() -> None:
    text = as_markdown(derive(block().run()))
    fences = re.findall(r"^```(\w*)$", text, re.MULTILINE)
    assert fences.count("math") > 20
    assert fences.count("") == len(fences) / 2
    outside = re.sub(r"```math\n.*?\n```", "", text, flags=re.DOTALL)
    outside = re.sub(r"\$`[^`]*`\$", "", outside)
    assert "\\frac" not in outside
    assert "\\overline" not in outside


@pytest.mark.parametrize("network", ["hostile", "resblock"])
def test_latex_by_pdflatex(tmp_path: Path, network: str) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex")
    pass_ = hostile() if network == "hostile" else resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json"))
    (tmp_path / "d.tex").write_text(as_latex(derive(pass_)), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "d.tex"]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, errors="replace", timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "d.log").read_text(errors="replace")
    assert "Missing character" not in log
    assert max((float(pt) for pt in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)), default=0) < 40
    assert (tmp_path / "d.pdf").read_bytes().startswith(b"%PDF")


def test_html_in_a_browser(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or importlib.util.find_spec("playwright") is None:
        pytest.skip("needs playwright and chromium")
    from playwright.sync_api import sync_playwright

    path = tmp_path / "d.html"
    path.write_text(as_html(derive(hostile())), encoding="utf-8")
    resblock = tmp_path / "r.html"
    resblock.write_text(as_html(derive(block().run())), encoding="utf-8")
    said: list[str] = []
    asked: list[str] = []
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = started.new_page(java_script_enabled=True)
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        text = page.evaluate("document.body.textContent")
        for odd in HOSTILE:
            assert visible(odd, limit=40) in text, odd
        assert page.evaluate("document.querySelectorAll('script, img, iframe, [onerror], [onclick]').length") == 0
        page.goto(resblock.as_uri())
        flat = page.evaluate(
            "[...document.querySelectorAll('math')].filter(m => m.getBoundingClientRect().height < 5).length"
        )
        assert flat == 0
        drawn = page.evaluate("document.querySelectorAll('mfrac').length")
        assert drawn > 3
        # A bar is as wide as the name under it.
        bars = page.evaluate(
            "[...document.querySelectorAll('.bar')].every(b => getComputedStyle(b).borderTopWidth > '0')"
        )
        assert bars
        started.close()
    assert said == []
    assert asked == [path.as_uri(), resblock.as_uri()]


def test_the_page_is_well_formed_and_forbids_scripts() -> None:
    page = as_html(derive(hostile()))
    assert "default-src 'none'" in page
    assert "<script" not in page.lower().replace("&lt;script", "")
    body = page[page.index("<body>") : page.index("</body>") + len("</body>")]
    assert ET.fromstring(body).tag == "body"  # noqa: S314 - our own page


@pytest.mark.parametrize("op", sorted(CATALOGUE))
def test_every_formula_is_written_as_mathml(op: str) -> None:
    operator = CATALOGUE[op]
    for template in [operator.formula, *(slot.contribution for slot in operator.slots)]:
        if template:
            written = inline(generic(template, Form.LATEX))
            root = ET.fromstring(written)  # noqa: S314 - our own formula
            assert root.tag == "math"
            assert "\\" not in "".join(root.itertext())


def test_mathml_by_hand() -> None:
    assert inline(r"\frac{1}{2}") == "<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math>"
    assert inline(r"x_{l+1}") == ("<math><msub><mi>x</mi><mrow><mi>l</mi><mo>+</mo><mn>1</mn></mrow></msub></math>")
    assert inline(name("<b>", Form.LATEX)) == '<math><mi mathvariant="normal">&lt;b&gt;</mi></math>'
    assert inline(name("a_b é", Form.LATEX)) == '<math><mi mathvariant="normal">a_b\u00a0é</mi></math>'
    assert inline(r"a^{2}_{i}") == "<math><msubsup><mi>a</mi><mi>i</mi><mn>2</mn></msubsup></math>"
    two = mathml([("a", "= 1"), ("", "= 2")])
    assert two.count("<mtr>") == 2
    for refused in (r"\input{x}", r"\begin{tabular}", r"\mathrm{a", "{" * 200, r"\text{\href{x}}"):
        with pytest.raises(NotWritten):
            inline(refused)


@pytest.mark.parametrize("suffix", [".md", ".tex", ".html"])
def test_the_formats_tell_their_size_and_are_chosen_by_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"d{suffix}"
    pass_ = two_path().run()
    size = expected(pass_, path, choose_format(path, None))
    assert export(pass_, path) == path.stat().st_size
    assert size is not None
    assert size.exact
    assert size.bytes == path.stat().st_size
