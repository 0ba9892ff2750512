"""The derivation as a LaTeX document: compiles with pdflatex, and needs nothing but what every distribution has.

Letters that the fonts do not have are declared one by one, so that any name can be printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Final

from resdebug.analysis.derivation.document import (
    Block,
    Bullets,
    Code,
    Document,
    Drawing,
    Equation,
    Maths,
    Paragraph,
    Piece,
    Section,
    Strong,
    Table,
)
from resdebug.analysis.rails import arms
from resdebug.export.derivation import document_of
from resdebug.export.registry import Progress, Size
from resdebug.passes.protocol import Pass
from resdebug.version import __version__

LINES: Final = 20
"""Lines of one block of mathematics."""
TALL: Final = 4
"""The same of lines with matrices in them."""
_PREAMBLE: Final = r"""\documentclass[a4paper,10pt]{article}
\usepackage{iftex}
\ifpdftex
  \usepackage[T1]{fontenc}
  \usepackage[utf8]{inputenc}
  \IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\fi
\usepackage[a4paper,margin=22mm]{geometry}
\usepackage{amsmath,amssymb}
\usepackage{array,graphicx,longtable}
\newsavebox{\formula}
\newcommand{\displayed}[1]{\sbox{\formula}{$\displaystyle\begin{aligned}#1\end{aligned}$}\[%
  \ifdim\wd\formula>\linewidth\resizebox{\linewidth}{!}{\usebox{\formula}}\else\usebox{\formula}\fi\]}
\setcounter{MaxMatrixCols}{20}
\setlength{\parindent}{0pt}
\setlength{\parskip}{5pt plus 2pt}
\setlength{\emergencystretch}{4em}
\setcounter{secnumdepth}{0}
\setlength{\unitlength}{3.4mm}
\setlength{\arraycolsep}{3pt}
"""
_SPECIAL: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_\allowbreak{}", "#": r"\#", "$": r"\$", "%": r"\%",
    "&": r"\&", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "-": "-{}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
    "?": "?{}", "!": "!{}", ",": ",{}", ".": r".\allowbreak{}",
}  # fmt: skip
_LETTERS: Final = {
    "⟨": r"\ensuremath{\langle}", "⟩": r"\ensuremath{\rangle}", "…": r"\dots{}", "−": r"\ensuremath{-}",
    "→": r"\ensuremath{\to}", "×": r"\ensuremath{\times}", "·": r"\ensuremath{\cdot}", "–": r"\textendash{}",
    "∂": r"\ensuremath{\partial}", "Σ": r"\ensuremath{\Sigma}", "‖": r"\ensuremath{\Vert}", "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}", "λ": r"\ensuremath{\lambda}", "γ": r"\ensuremath{\gamma}", "β": r"\ensuremath{\beta}",
    "ε": r"\ensuremath{\varepsilon}", "μ": r"\ensuremath{\mu}", "σ": r"\ensuremath{\sigma}", "⊙": r"\ensuremath{\odot}",
    "∞": r"\ensuremath{\infty}", "√": r"\ensuremath{\surd}", "ȳ": r"\ensuremath{\bar{y}}",
    "\u0304": r"\ensuremath{\bar{}}", "\u0302": r"\ensuremath{\hat{}}", "ᵀ": r"\ensuremath{{}^{\top}}",
    "²": r"\ensuremath{{}^{2}}", "‘": r"\textquoteleft{}", "’": r"\textquoteright{}", "●": r"\ensuremath{\bullet}",
    "◉": r"\ensuremath{\odot}", "⊕": r"\ensuremath{\oplus}", "■": r"\ensuremath{\blacksquare}",
}  # fmt: skip
"""What is written for letters that LaTeX's usual fonts lack."""
_COMBINED: Final = {"x̄": r"\ensuremath{\bar{x}}", "ȳ": r"\ensuremath{\bar{y}}", "x̂": r"\ensuremath{\hat{x}}"}
_HEADS: Final = ("section", "subsection", "subsubsection", "paragraph")
_GLYPHS: Final = {
    "●": (r"\circle*{0.5}",),
    "◉": (r"\circle{0.8}", r"\circle*{0.4}"),
    "⊕": (r"\makebox(0,0){$\oplus$}",),
    "■": (r"\makebox(0,0){\rule{2mm}{2mm}}",),
}
ON_ONE_PAGE: Final = 48
"""Rows of a graph that is not broken over pages."""
_SHORT: Final = 6
"""Letters of a column's heading at least, to share out the page by."""


def write(pass_: Pass, stream: IO[bytes], progress: Progress) -> None:
    """Write the derivation of a pass."""
    stream.write(as_latex(document_of(pass_, progress)).encode("utf-8", "replace"))


def size(pass_: Pass, _request: object) -> Size:
    """Return the bytes that will be written."""
    return Size(len(as_latex(document_of(pass_)).encode("utf-8", "replace")), exact=True)


def as_latex(document: Document) -> str:
    """Return the document as a file for LaTeX."""
    body = [rf"\title{{{_text(document.title)}}}", r"\author{}", r"\date{}", r"\begin{document}", r"\maketitle"]
    for block in document.lead:
        body += _block(block)
    for section in document.sections:
        body += _section(section, 0)
    body += [rf"\par\medskip{{\footnotesize Written by resdebug {_text(__version__)}.}}", r"\end{document}", ""]
    text = "\n".join(body)
    return _PREAMBLE + _declared(text) + text


def _declared(text: str) -> str:
    """Return declarations of all letters beyond ASCII that are in ``text``."""
    foreign = sorted({c for c in text if ord(c) > 127})
    if not foreign:
        return ""
    lines = [r"\ifpdftex"]
    for c in foreign:
        code = f"{ord(c):04X}"
        instead = _LETTERS.get(c, rf"\ensuremath{{\langle}}\texttt{{U+{code}}}\ensuremath{{\rangle}}")
        declared = rf"\DeclareUnicodeCharacter{{{code}}}{{{instead}}}"
        # What the font knows stays as it is.
        known = "" if c in _LETTERS else rf"\ifcsname u8:\detokenize{{{c}}}\endcsname\else"
        lines.append(f"{known}{declared}" + (r"\fi" if known else ""))
    return "\n".join([*lines, r"\fi", ""])


def _section(section: Section, depth: int) -> Iterator[str]:
    head = _HEADS[min(depth, len(_HEADS) - 1)]
    yield rf"\{head}*{{{_prose(section.title)}}}"
    for block in section.blocks:
        yield from _block(block)
    for inner in section.sections:
        yield from _section(inner, depth + 1)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _prose(block.prose) + "\n"
        case Equation():
            yield from _equations(block)
        case Bullets():
            yield "\\begin{itemize}"
            yield from (rf"\item {{}}{_prose(item)}" for item in block.items)
            yield "\\end{itemize}"
        case Table():
            yield from _table(block)
        case Drawing():
            yield from _drawing(block)


def _equations(block: Equation) -> Iterator[str]:
    """Yield pieces short enough for a page; a line wider than the page is made smaller."""
    lines = [f"{left} & {right}".strip() for left, right in block.lines]
    most = TALL if any("bmatrix" in line for line in lines) else LINES
    for start in range(0, len(lines), most):
        yield "\\displayed{\n" + " \\\\\n".join(lines[start : start + most]) + "\n}"


def _table(table: Table) -> Iterator[str]:
    spec = "".join(_column(table, k) for k in range(len(table.heads)))
    yield r"{\footnotesize\setlength{\tabcolsep}{3pt}\begin{longtable}[l]{" + spec + "}"
    yield " & ".join(rf"\textbf{{{_text(head)}}}" for head in table.heads) + r" \\ \hline \endhead"
    for row in table.rows:
        yield " & ".join(_prose(cell) for cell in row) + r" \\"
    yield r"\end{longtable}}"


def _column(table: Table, k: int) -> str:
    """Return how wide a column is: the page is shared, numbers stand at the right and prose is broken."""
    words = [max([_SHORT, *map(len, head.split())]) for head in table.heads]
    width = 0.96 * words[k] / sum(words)
    if len(table.heads) == 2 and 1 not in table.numeric:
        width = 0.25 if not k else 0.7
    side = r"\raggedleft" if k in table.numeric else r"\raggedright"
    return rf">{{{side}\arraybackslash}}p{{{width - 0.012:.3f}\linewidth}}"


def _drawing(drawing: Drawing) -> Iterator[str]:
    on_one_page = len(drawing.rows) <= ON_ONE_PAGE
    yield r"\par\medskip" + (r"\noindent\begin{minipage}{\linewidth}" if on_one_page else "")
    yield r"{\footnotesize\setlength{\parskip}{0pt}\baselineskip=3.4mm\lineskip=0pt\lineskiplimit=-10pt"
    columns = drawing.rails.columns
    for row, (glyph, name, about) in enumerate(drawing.rows):
        strokes = []
        for k, cell in enumerate(drawing.rails.draw(row, glyph)):
            x = f"{k / 2:.1f}"
            if cell.glyph in _GLYPHS:
                strokes += [rf"\put({x},0.5){{{part}}}" for part in _GLYPHS[cell.glyph]]
                strokes += _through(drawing, row, k)
                continue
            strokes += [rf"\put({x},0.5){{\line({dx},{dy}){{0.5}}}}" for dx, dy in arms(cell.glyph)]
        yield rf"\noindent\begin{{picture}}({columns},1)(-0.5,0){''.join(strokes)}\end{{picture}}"
        yield rf"\raisebox{{1.1mm}}{{\ \texttt{{{_text(name)}}}"
        yield rf"\textit{{{_text(about)}}}}}\par"
    yield r"}\par\smallskip"
    yield _prose(drawing.legend) + (r"\end{minipage}\par\medskip" if on_one_page else "") + "\n"


def _through(drawing: Drawing, row: int, k: int) -> Iterator[str]:
    """Yield the lines above and below a node's glyph, on its own path."""
    path = drawing.rails.paths[drawing.rails.path_of[row]]
    x = f"{k / 2:.1f}"
    if path.top < row:
        yield rf"\put({x},0.5){{\line(0,1){{0.5}}}}"
    if row < path.bottom:
        yield rf"\put({x},0.5){{\line(0,-1){{0.5}}}}"


def _prose(pieces: Iterable[Piece]) -> str:
    return "".join(_piece(piece) for piece in pieces)


def _piece(piece: Piece) -> str:
    match piece:
        case Code(text):
            return rf"\texttt{{{_text(text)}}}"
        case Maths(latex):
            return f"${latex}$"
        case Strong(text):
            return rf"\textbf{{{_text(text)}}}"
        case _:
            return _text(piece)


def _text(text: str) -> str:
    """Return text that LaTeX prints and does nothing else with."""
    for combined, written in _COMBINED.items():
        if combined in text:
            return written.join(_text(part) for part in text.split(combined))
    return "".join(_SPECIAL.get(c, c) for c in text)
