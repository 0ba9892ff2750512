"""PyTorch's files, read by PyTorch's own loader for weights alone, which executes nothing that they bring."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from resdebug.analysis.given import flattened, opened
from resdebug.errors import BadInput, Fault, Place
from resdebug.ops.base import Array
from resdebug.text import visible

SUFFIXES: Final = frozenset({".pt", ".pth", ".bin", ".ckpt"})


def read_state_dict(path: Path) -> dict[str, Array]:
    """Return the tensors of a state dict by name; the names of a dict inside a dict are joined by dots.

    Raises MissingInput, and BadInput for a file that holds anything else, or where PyTorch is not installed.
    """
    os.close(opened(path))
    place = Place(file=str(path))
    try:
        import torch
    except ImportError:
        what = "is a PyTorch file, and PyTorch is not installed"
        hint = "install torch, or save with safetensors.torch.save_file or numpy.savez"
        raise BadInput(Fault("A004", what, hint, place)) from None
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - PyTorch raises whatever its reader meets in a strange file
        reason = visible(str(error).split("\n", 1)[0], limit=120)
        hint = "save a dict of tensors: torch.save({n: p.grad for n, p in model.named_parameters()}, file)"
        raise BadInput(Fault("A004", f"PyTorch cannot read it as plain tensors: {reason}", hint, place)) from None
    if not isinstance(loaded, Mapping):
        hint = "save a dict of tensors by name"
        raise BadInput(Fault("A004", f"holds a {visible(type(loaded).__name__)}, not a dict of tensors", hint, place))
    found: dict[str, Array] = {}
    for name, value in flattened({str(key): inner for key, inner in loaded.items()}):
        if isinstance(value, torch.Tensor) and not value.is_complex() and value.layout == torch.strided:
            narrow = value.dtype in {torch.float16, torch.bfloat16, torch.float32}
            found[name] = value.detach().to(torch.float32 if narrow else torch.float64).numpy()
    return found
