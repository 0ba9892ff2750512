"""resdebug: a terminal debugger for backpropagation.

::

    import resdebug

    net = resdebug.load("graphs/resblock.json")     # also resdebug.from_networkx(G)
    p = resdebug.differentiate(net)                 # one whole forward and reverse pass
    p.value("x"), p.adjoint("x")                    # read-only numpy arrays
    for row in p.ledger("x"):                       # what arrived, from whom, and how it adds up
        print(row.consumer, row.slot, row.contribution, row.running)
    dbg = resdebug.Debugger(p); dbg.step(); dbg.back()

The house, imports pointing downwards only::

    cli/         commands: arguments in, exit codes out
    tui/         the Textual app: screens, panes, keymap
    api.py       this face, where the operators are handed to the network
    bridges/     other frameworks' files in, imported only when used
    generators/  real networks from a seed: one file per architecture
    export/      a pass out: one file per format, one registry
    analysis/    questions asked of a finished pass, one file per question
    debugger/    cursor, stepping, stops, the condition language, commands
    passes/      the pass protocol, its two providers (live, recorded), the trace format
    engine/      the forward pass, the reverse pass, accumulation rules, finite differences
    ops/         the operators: one family per file, each operator one class
    verification/ a second opinion on traces, which shares nothing with the engine
    network/     what a network is: read, checked, compiled from networkx; its order; tensor files
    errors.py    the one family of errors, each with where, what, and what to do

One protocol, two providers: debugger, analyses, exporters and screens see a ``Pass`` and cannot tell a live one from
a recorded one. One edge, one function, one number on the screen: the contribution shown for an edge is exactly what
the operator's VJP returned.
"""

from typing import TYPE_CHECKING, Any

from resdebug.version import __version__

if TYPE_CHECKING:
    from resdebug.api import (
        Debugger,
        LedgerRow,
        LivePass,
        Network,
        Pass,
        RecordedPass,
        check_gradients,
        compare_gradients,
        differentiate,
        from_networkx,
        generate,
        load,
        load_trace,
    )

__all__ = [
    "Debugger", "LedgerRow", "LivePass", "Network", "Pass", "RecordedPass", "__version__", "check_gradients",
    "compare_gradients", "differentiate", "from_networkx", "generate", "load", "load_trace",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the Python face when it is first used, so that the command's ``--help`` needs none of it."""
    if name in __all__:
        from resdebug import api

        return getattr(api, name)
    raise AttributeError(f"module 'resdebug' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
