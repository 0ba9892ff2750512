"""The derivation of one network's backward pass, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from resdebug.analysis.derivation.answers import answers
from resdebug.analysis.derivation.chains import closed_form, equation, table
from resdebug.analysis.derivation.document import Block, Code, Document, Equation, Section, Strong, paragraph
from resdebug.analysis.derivation.folded import folded_step
from resdebug.analysis.derivation.forward import drawing, equations, facts
from resdebug.analysis.derivation.steps import step
from resdebug.analysis.derivation.subject import Subject, shown
from resdebug.analysis.folding import Unit
from resdebug.analysis.rows import Arrangement, Rows
from resdebug.errors import Fault, UsageError
from resdebug.passes.protocol import Pass
from resdebug.text import did_you_mean, plural, visible

MOST_STEPS: Final = 200
"""Steps that are written out where nobody says how many."""

Report = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how many."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What somebody wants explained."""

    nodes: tuple[str, ...] = ()
    """These nodes only; none is the whole pass."""
    fold: bool = False
    """Whether a block is one step."""
    steps: int = MOST_STEPS
    """Steps that are written out; 0 is all."""


def derive(pass_: Pass, settings: Settings | None = None, report: Report | None = None) -> Document:
    """Return the derivation of a pass.

    Where it would be longer than ``settings.steps``, blocks are folded, and of what is still too long the beginning and
    the end are kept; the document says so. Raises UsageError for nodes that there are not, and where blocks shall be
    folded and none have a name.
    """
    settings = settings or Settings()
    subject = Subject(pass_)
    name = shown(pass_.network.name or "network", 80)
    if settings.nodes:
        return _of_nodes(subject, settings.nodes, name)
    lead: list[Block] = [*_warnings(subject), facts(subject)]
    about = visible(pass_.network.description, limit=2000)
    lead += [paragraph(about)] if about else []
    arrangement = Arrangement(pass_)
    folds = arrangement.blocks.innermost
    if settings.fold and not folds:
        what = f'no block of "{name}" has a name, so there is nothing to fold'
        raise UsageError(Fault("U001", what, 'name blocks in the network file: "block": "layer1.0"'))
    most = settings.steps or len(pass_.network)
    length = len(pass_.schedule.reverse)
    folded = settings.fold or (length > most and bool(folds))
    rows = Rows(arrangement, folded=folds if folded else ())
    parts = [answers(subject), equations(subject), drawing(subject, rows)]
    units = rows.units if folded else [Unit("", [i]) for i in pass_.schedule.reverse]
    told = _units(subject, units, most, report or _silent)
    if folded and not settings.fold:
        what = f"All {plural(length, 'adjoint')} one by one would be long, so each block is one step; "
        told = Section(
            told.title,
            (paragraph(what, Code("resdebug explain --steps 0"), " writes them all, ", Code("--node"), " one of them."),
             *told.blocks), told.sections,
        )  # fmt: skip
    parts.append(told)
    closed = closed_form(subject)
    parts += [closed] if closed is not None else []
    return Document(f"The backward pass of {name}", tuple(lead), tuple(parts))


def _warnings(subject: Subject) -> list[Block]:
    told: list[Block] = []
    if not subject.right:
        rule = subject.pass_.rule
        told.append(
            paragraph(
                Strong(f"This pass ran under the rule {rule}: it is wrong on purpose. "),
                "Contributions are to be added; under any other rule adjoints are no derivatives.",
            )
        )
    if not subject.complete:
        told.append(paragraph(Strong("Not all of the pass is here: "), visible(subject.pass_.absent, limit=400), "."))
    return told


def _units(subject: Subject, units: Sequence[Unit], most: int, report: Report) -> Section:
    """Return the steps of the reverse pass: all of them, or the first and the last."""
    taking_part = set(subject.pass_.schedule.reverse)
    units = [unit for unit in units if unit.block or unit.nodes[0] in taking_part]
    half = most // 2
    kept = list(enumerate(units, start=1))
    gap = len(kept) - most
    sections: list[Section] = []
    blocks: list[Block] = [
        paragraph(
            "In the order in which they are visited: every node after all its consumers. Numbers are rounded to four "
            "digits."
        )
    ]
    if gap > 0:
        kept = kept[: most - half] + kept[len(kept) - half :]
        blocks.append(
            paragraph(
                f"Of {plural(len(units), 'step')} the first {most - half} and the last {half} are written out; ",
                Code("--steps 0"), " writes all.",
            )
        )  # fmt: skip
    folded = 0
    for done, (turn, unit) in enumerate(kept, start=1):
        if unit.block:
            folded += 1
            sections.append(folded_step(subject, unit, f"F_{{{folded}}}", turn))
        else:
            sections.append(step(subject, subject.network.nodes[unit.nodes[0]], turn))
        report("steps", done, len(kept))
    return Section(("The reverse pass, step by step",), tuple(blocks), tuple(sections))


def _of_nodes(subject: Subject, names: Sequence[str], network: str) -> Document:
    known = [node.name for node in subject.network.nodes]
    faults = [
        Fault("U001", f'there is no node "{visible(name)}"', did_you_mean(name, known))
        for name in names
        if name not in subject.network
    ]
    if faults:
        raise UsageError(faults)
    sections = []
    for name in dict.fromkeys(names):
        node = subject.network[name]
        around = {node.index, *(e.source_index for e in node.inputs if e is not None)}
        around |= {e.consumer_index for e in subject.network.consumers[node.index]}
        told = step(subject, node)
        inner = [equations(subject, around)] if around & set(subject.pass_.schedule.order) else []
        own = [i for i in subject.chains if i.fork == node.index]
        if own:
            text = "This fork is in a chain of identity shortcuts:"
            blocks = (paragraph(text), Equation((equation(own[0].direct == 1),)), table(subject, own))
            inner.append(Section(("The closed form",), blocks))
        sections.append(Section(told.title, told.blocks, tuple(inner)))
    title = ", ".join(shown(name, 24) for name in names[:4]) + (" …" if len(names) > 4 else "")
    return Document(f"The adjoint of {title} in {network}", (*_warnings(subject), facts(subject)), tuple(sections))


def _silent(_what: str, _done: int, _total: int) -> None:
    """Report to nobody."""
