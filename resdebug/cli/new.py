"""``resdebug new``: a real residual network from a seed, written to a file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from resdebug.cli.arguments import Parser, count
from resdebug.cli.progress import ProgressBar
from resdebug.errors import Fault, UsageError
from resdebug.text import human_bytes, visible


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    sub.add_argument("kind", nargs="?", metavar="KIND", help="resnet20, resnet50, unet, transformer, ...")
    sub.add_argument(
        "-o", "--output", metavar="FILE", help="the JSON file; large tensors go into .safetensors beside it"
    )
    sub.add_argument("--seed", type=count(0), default=0, metavar="N", help="same seed, same network (0)")
    sub.add_argument("--batch", type=count(1), default=1, metavar="N", help="examples in the input (1)")
    sub.add_argument("--dtype", choices=("float32", "float64"), help="element type (float32; random: float64)")
    sub.add_argument("--force", action="store_true", help="replace the files if they exist")
    sub.add_argument("--json", action="store_true", help="say what was written as JSON")
    group = sub.add_argument_group("settings of some kinds")
    group.add_argument("--image-size", type=count(1), metavar="N", help="height and width of the input image")
    group.add_argument("--classes", type=count(1), metavar="N", help="how many classes")
    group.add_argument("--preact", action="store_true", help="normalise and activate before every convolution")
    group.add_argument("--plain", action="store_true", help="leave the skips out")
    group.add_argument("--rezero", action="store_true", help="scale every branch by a parameter that starts at 0")
    group.add_argument("--fixup", action="store_true", help="no normalisation, Fixup initialisation")
    group.add_argument("--depth", type=count(1), metavar="N", help="layers (wide_resnet), halvings (unet)")
    group.add_argument("--width", type=count(1), metavar="N", help="channels or features, or how many times as many")
    group.add_argument("--blocks", type=count(1), metavar="N", help="how many blocks")
    group.add_argument("--heads", type=count(1), metavar="N", help="attention heads in a block")
    group.add_argument("--tokens", type=count(1), metavar="N", help="length of the text")
    group.add_argument("--vocabulary", type=count(1), metavar="N", help="how many different tokens")
    group.add_argument("--norm", choices=("pre", "post", "rms"), help="where and how a transformer normalises")
    group.add_argument("--steps", type=count(1), metavar="N", help="how often a recurrent network is applied")
    group.add_argument("--nodes", type=count(1), metavar="N", help="size of a random graph")


def run(options: argparse.Namespace) -> int:
    """Generate a network; without a kind, list them."""
    from resdebug.generators.kinds import make
    from resdebug.generators.options import Options, options_for

    if options.kind is None:
        return list_kinds(as_json=options.json)
    chosen = {name: getattr(options, name) for name in Options.__dataclass_fields__}
    if options.output is None:
        raise UsageError(Fault("U001", "no output is named", f"resdebug new {visible(options.kind)} -o FILE"))
    output = Path(options.output)
    if output.suffix == ".safetensors":
        what = "the network goes into a JSON file, its tensors into a .safetensors beside it"
        raise UsageError(Fault("U001", what, f"-o {output.with_suffix('.json').name}"))
    builder = make(options.kind, options_for(options.kind, chosen))
    from resdebug.generators.writing import write

    with ProgressBar() as bar:
        written = write(
            builder, output, force=options.force, progress=lambda done, total: bar.report("tensors", done, total)
        )
    network = written.network
    if options.json:
        told = {
            "file": str(output), "kind": options.kind, "parameters": written.parameters,
            "nodes": len(network.nodes), "edges": len(network.edges), "target": network.target,
            "dtype": network.dtype, "seed": options.seed, "bytes": written.size,
            "tensors": None if written.tensors is None else str(written.tensors), "tensor_bytes": written.tensors_size,
        }  # fmt: skip
        print(json.dumps(told))
        return 0
    beside = f" + {written.tensors.name} {human_bytes(written.tensors_size)}" if written.tensors else ""
    print(
        f"{visible(str(output))}: {options.kind}, {written.parameters:,} parameters, {len(network.nodes):,} nodes, "
        f"{human_bytes(written.size)}{visible(beside)}"
    )
    return 0


def list_kinds(*, as_json: bool) -> int:
    """Print every kind with what it is, the options it takes and where it was published."""
    from resdebug.generators.kinds import KINDS

    if as_json:
        rows = [
            {"kind": k.name, "about": k.about, "source": k.source, "options": [_flag(o) for o in k.options]}
            for k in KINDS.values()
        ]
        print(json.dumps(rows, indent=1))
        return 0
    width = max(map(len, KINDS))
    for kind in KINDS.values():
        print(f"{kind.name:<{width}}  {kind.about}" + (f"; {kind.source}" if kind.source else ""))
        print(f"{'':<{width}}  {' '.join(_flag(o) for o in kind.options)}")
    return 0


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"
