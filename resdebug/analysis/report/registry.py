"""All sections of a report, in the order in which they are read; a new one is a module here and a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Final, cast

from resdebug.analysis.report.structure import CannotAnswer, LeftOut, Progress, Report, Section, SectionKind, Settings
from resdebug.errors import Fault, ResdebugError, UsageError
from resdebug.passes.protocol import Pass
from resdebug.text import did_you_mean, visible

SMALL: Final = 1 << 18
"""Elements of all values together up to which a section that runs further passes is quick, where a node counts as
``NODE`` elements more: so much is what visiting one costs."""
NODE: Final = 128

Answer = Callable[[Pass, Settings, Progress], Section]


class Cost(Enum):
    """When a section is in a report that names none."""

    ALWAYS = "always"
    SMALL = "on small networks"
    ASKED = "when it is asked for"


@dataclass(frozen=True, slots=True)
class Row:
    """A section's name and when it is asked for; its module has the same name."""

    name: str
    cost: Cost
    work: str = ""
    """What takes long, where it may."""

    def kind(self) -> SectionKind:
        """Return what the section may hold."""
        return cast("SectionKind", import_module(f"{__package__}.{self.name}").KIND)

    def answer(self) -> Answer:
        """Return what answers it."""
        return cast("Answer", import_module(f"{__package__}.{self.name}").answer)


SECTIONS: Final = {
    row.name: row
    for row in (
        Row("overview", Cost.ALWAYS),
        Row("profile", Cost.ALWAYS),
        Row("parameters", Cost.ALWAYS),
        Row("activations", Cost.ALWAYS),
        Row("finite", Cost.ALWAYS),
        Row("blocks", Cost.ALWAYS),
        Row("paths", Cost.SMALL, "about a third of a reverse pass for every block"),
        Row("rank", Cost.SMALL, "singular values of every adjoint on the trunk"),
        Row("shattering", Cost.SMALL, "five passes a pair of inputs"),
        Row("duel", Cost.SMALL, "a reverse pass a rule, and four forward passes an element that is compared"),
        Row("scaling", Cost.ASKED, "eight passes a block"),
    )
}  # fmt: skip


def make_report(pass_: Pass, settings: Settings, progress: Progress) -> Report:
    """Ask the chosen sections of a pass, or all that are quick for a network of its size.

    Raises UsageError for an unknown section, or where every section asked for has no answer.
    """
    for name in settings.asked:
        if name not in SECTIONS:
            what = f'there is no section "{visible(name)}"'
            raise UsageError(Fault("U001", what, did_you_mean(name, SECTIONS) or ", ".join(SECTIONS)))
    if pass_.absent:
        # A section that misses something is left out, in place of taking it for what is not part of the pass.
        pass_ = pass_.demanding()
    size = sum(node.type.size + NODE for node in pass_.network.nodes)
    sections: list[Section] = []
    left_out: list[LeftOut] = []
    for row in SECTIONS.values():
        if settings.asked and row.name not in settings.asked:
            continue
        if not settings.asked and (row.cost is Cost.ASKED or (row.cost is Cost.SMALL and size > SMALL)):
            left_out.append(LeftOut(row.name, f"takes {row.work}; --section {row.name} asks for it"))
            continue
        try:
            sections.append(row.answer()(pass_, settings, progress))
        except CannotAnswer as reason:
            left_out.append(LeftOut(row.name, str(reason)))
        except ResdebugError as error:
            left_out.append(LeftOut(row.name, error.faults[0].what))
    if settings.asked and not sections:
        raise UsageError(Fault("U001", f"section {left_out[0].name}: {left_out[0].why}", "ask for another section"))
    source = "live" if pass_.live else "recorded"
    return Report(pass_.network.name, pass_.target, pass_.rule, source, tuple(sections), tuple(left_out))
