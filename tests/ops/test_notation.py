"""Every formula can be written in Unicode, ASCII and LaTeX, and all three name the same things."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from typing import Any

import pytest

from resdebug.ops import CATALOGUE
from resdebug.ops.formula import Form, adjoint, fill, generic, name, placeholders, setting
from resdebug.ops.notation import SYMBOLS, Kind, tokens

FORMULAS = [
    (f"{op}-{what}", template)
    for op, kind in CATALOGUE.items()
    for what, template in [("", kind.formula), *((s.name, s.contribution) for s in kind.slots if s.differentiable)]
]
every_formula = pytest.mark.parametrize(
    "template", [t for _, t in FORMULAS], ids=[id_.rstrip("-") for id_, _ in FORMULAS]
)


def marked(template: str, form: Form) -> str:
    """Fill every placeholder with a word that survives in any form: XaX, XaadjointX."""
    words = {p: f"X{re.sub('[^A-Za-z0-9]', '', p)}{'adjoint' * (not p.isascii())}X" for p in placeholders(template)}
    return fill(template, words, form)


@every_formula
def test_all_forms_name_the_same_placeholders_as_often(template: str) -> None:
    found = [Counter(re.findall(r"X\w+?X", marked(template, form))) for form in Form]
    assert found[0] == found[1] == found[2]
    assert found[0]


@every_formula
def test_the_ascii_form_is_ascii_and_latex_has_no_bare_symbols(template: str) -> None:
    assert generic(template, Form.ASCII).isascii()
    assert generic(template, Form.LATEX).isascii()


@every_formula
def test_all_forms_name_the_same_words_and_numbers(template: str) -> None:
    plain = re.sub(r"\{[^{}]+\}", " ", template)
    words = Counter(re.findall(r"[A-Za-z]{3,}", plain))
    numbers = Counter(re.findall(r"\d+(?:\.\d+)?", plain))
    commands = {"frac", "sqrt", "text", "mathbf", "mathrm", "mathrel", "operatorname", "overline", "bar", "hat",
                "lVert", "quad"}  # fmt: skip
    for form in (Form.ASCII, Form.LATEX):
        written = marked(template, form)
        rest = re.sub(r"X\w+?X", " ", written)
        found = Counter(w for w in re.findall(r"[A-Za-z]{3,}", rest) if w not in commands)
        assert words - found == Counter(), written
        assert numbers - Counter(re.findall(r"\d+(?:\.\d+)?", rest)) == Counter(), written


@every_formula
def test_brackets_are_balanced_in_latex(template: str) -> None:
    written = generic(template, Form.LATEX)
    depth = 0
    for bracket in re.findall(r"(?<!\\)[{}]", written):
        depth += 1 if bracket == "{" else -1
        assert depth >= 0
    assert depth == 0


@every_formula
def test_matplotlib_can_set_it(template: str) -> None:
    """An independent reader of LaTeX mathematics finds no fault with it."""
    mathtext: Any = pytest.importorskip("matplotlib.mathtext", reason="matplotlib is not installed: no LaTeX reader")
    # mathtext has no \mathrel, which only spaces the sign.
    written = generic(template, Form.LATEX).replace(r"\mathrel{+}=", "+=")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        width, *_ = mathtext.MathTextParser("path").parse(f"${written}$", dpi=72)
    assert width > 5


@pytest.mark.parametrize(
    ("template", "ascii_", "latex"),
    [
        ("{y} = {x} ⊙ {weight}", "y = x .* weight", r"y = x \odot \mathrm{weight}"),
        ("{x̄} += −{ȳ} / n", "x' += -y' / n", r"\bar{x} \mathrel{+}= -\frac{\bar{y}}{n}"),
        ("{y} = 1 / (1 + exp(−{x}))", "y = 1 / (1 + exp(-x))", r"y = \frac{1}{1 + \exp(-x)}"),
        ("{y} = exp({x}) / Σ exp({x})", "y = exp(x) / sum exp(x)", r"y = \frac{\exp(x)}{\sum \exp(x)}"),
        ("√(2/π) · {x}³", "sqrt(2/pi) * x^3", r"\sqrt{\frac{2}{\pi}} \cdot x^{3}"),
        ("{x}^(1/{p})", "x^(1/p)", r"x^{\frac{1}{p}}"),
        ("{ȳ} / |window|", "y' / |window|", r"\frac{\bar{y}}{|\text{window}|}"),
        ("({x} − {y})² / 2", "(x - y)^2 / 2", r"\frac{(x - y)^{2}}{2}"),
        ("{ȳ} ⊙ 1[{x} > 0]", "y' .* 1[x > 0]", r"\bar{y} \odot \mathbf{1}[x > 0]"),
        ("convᵀ({ȳ}, {weight})", "conv^T(y', weight)", r"\operatorname{conv}^{\top}(\bar{y}, \mathrm{weight})"),
        ("mean over {kernel_size} windows", "mean over kernel_size windows",
         r"\text{mean over }\mathrm{kernel\_size}\text{ windows}"),
        ("x̂ = 2", "xhat = 2", r"\hat{x} = 2"),
        ("a,  b", "a,  b", r"a, \quad b"),
    ],
)  # fmt: skip
def test_forms_by_hand(template: str, ascii_: str, latex: str) -> None:
    assert generic(template, Form.ASCII) == ascii_
    assert generic(template, Form.LATEX) == latex


def test_the_unicode_form_is_the_text_itself() -> None:
    template = "{y} = √({x}² + ε) ⊘ ‖{x}‖"
    assert generic(template, Form.UNICODE) == "y = √(x² + ε) ⊘ ‖x‖"


@pytest.mark.parametrize("text", ["a ★ b", "∫ x", "{x} % 2", "x_i"])
def test_unknown_symbols_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no symbol of the notation"):
        tokens(text)


def test_every_symbol_of_the_notation_is_read_as_one() -> None:
    for symbol in SYMBOLS:
        (token,) = tokens(symbol)
        assert token == (Kind.SYMBOL, symbol)


def test_names_of_nodes_cannot_break_out_of_latex() -> None:
    hostile = r"a_b\input{/etc/passwd}$^~&%#"
    written = name(hostile, Form.LATEX)
    assert written.startswith(r"\mathrm{")
    assert r"\input" not in written
    assert not re.search(r"(?<!\\)[_$#%&^~](?![{])", written.replace(r"\hat{}", "").replace(r"\sim{}", ""))
    assert adjoint("conv1", Form.LATEX) == r"\overline{\mathrm{conv1}}"
    assert adjoint("x", Form.ASCII) == "x'"


def test_settings_are_written_in_each_form() -> None:
    assert [setting("(2, -1)", form) for form in Form] == ["(2, -1)", "(2, -1)", "(2, -1)"]
    assert setting("Σ", Form.LATEX) == r"\sum"
    assert setting("Σ", Form.ASCII) == "sum"
    assert setting("reflect_101%", Form.LATEX) == r"\mathrm{reflect\_101\%}"
