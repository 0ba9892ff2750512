"""Train a small residual network on handwritten digits with resdebug's own engine, and save it as a graph.

``python graphs/digits_resnet.py [-o FOLDER] [--epochs N] [--seed S]`` writes ``digits_resnet.json`` and
``digits_resnet.safetensors``. The data are the 1 797 images (8×8, grey 0 to 16) of the UCI handwritten digits as
scikit-learn ships them; a third, drawn by the seed, is held out. The same seed gives the same network on one machine;
another BLAS may round differently and end at slightly different weights.

The saved network is in inference mode: batch normalisation uses the statistics of the training images. Its input is
the held-out image with the largest loss.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

import resdebug

Array = NDArray[Any]
NAME = "digits_resnet"
BATCH = 64
RATE, DECAY = 1e-2, 2e-3
BETAS = (0.9, 0.99)
CHANNELS = (16, 32)
EPS = 1e-5


@dataclass(frozen=True)
class Digits:
    """Images (N, 1, 8, 8) from 0 to 1 and their classes, for training and held out."""

    images: Array
    labels: Array
    test_images: Array
    test_labels: Array


def load_digits(seed: int) -> Digits:
    """Split the images by the seed: two thirds for training, a third held out."""
    try:
        from sklearn.datasets import load_digits as load
    except ImportError:
        sys.exit("scikit-learn carries the digits: pip install -e '.[dev]'")
    bunch = load()
    images = bunch.images[:, None] / 16.0
    order = np.random.default_rng(seed).permutation(len(images))
    held, kept = order[: len(order) // 3], order[len(order) // 3 :]
    return Digits(images[kept], bunch.target[kept], images[held], bunch.target[held])


class Builder:
    """Builds the network for training (batch statistics) or for inference (given ones)."""

    def __init__(self, training: bool, about: dict[str, Any]) -> None:
        self.graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(**about)
        self.training = training
        self.block = "stem"
        self.norms: dict[str, str] = {}
        """Per batch normalisation, the convolution before it."""

    def leaf(self, name: str, op: str, value: Any, **more: Any) -> str:
        """Add an input, parameter or constant."""
        self.graph.add_node(name, op=op, value=value, **more)
        return name

    def add(self, name: str, op: str, slots: dict[str, str], **attributes: Any) -> str:
        """Add an operator."""
        name = f"{self.block}.{name}" if self.block else name
        block = {"block": self.block} if self.block else {}
        self.graph.add_node(name, op=op, **block, **attributes)
        for slot, source in slots.items():
            self.graph.add_edge(source, name, slot=slot)
        return name

    def conv(self, k: str, x: str, shape: tuple[int, ...], stride: int = 1) -> str:
        """Add a convolution and its batch normalisation."""
        conv = f"{self.block}.conv{k}"
        weight = self.leaf(f"{conv}.weight", "parameter", {"init": "kaiming_normal", "shape": list(shape), "seed": 0})
        self.add(f"conv{k}", "conv2d", {"x": x, "weight": weight}, stride=stride, padding=shape[-1] // 2)
        norm = f"{self.block}.bn{k}"
        self.norms[norm] = conv
        slots = {"x": conv}
        vectors = {"weight": ("parameter", "ones"), "bias": ("parameter", "zeros")}
        if not self.training:
            vectors |= {"running_mean": ("constant", "zeros"), "running_var": ("constant", "ones")}
        for slot, (op, init) in vectors.items():
            slots[slot] = self.leaf(f"{norm}.{slot}", op, {"init": init, "shape": [shape[0]]})
        return self.add(f"bn{k}", "batch_norm", slots, training=self.training, eps=EPS)

    def residual(self, block: str, x: str, channels: tuple[int, int], stride: int) -> str:
        """Add a basic block; where the shape changes, the skip is a projection."""
        self.block = block
        h = self.add("relu1", "relu", {"x": self.conv("1", x, (channels[1], channels[0], 3, 3), stride)})
        h = self.conv("2", h, (channels[1], channels[1], 3, 3))
        skip = x if stride == 1 else self.conv("_skip", x, (channels[1], channels[0], 1, 1), stride)
        return self.add("relu2", "relu", {"x": self.add("add", "add", {"a": h, "b": skip})})

    def build(self, images: Array, labels: Array) -> nx.MultiDiGraph[Any]:
        """Build the whole network for these images."""
        x = self.leaf("x", "input", images.tolist())
        self.leaf("label", "constant", labels.tolist(), dtype="int64")
        x = self.add("relu", "relu", {"x": self.conv("", x, (CHANNELS[0], 1, 3, 3))})
        x = self.residual("block1", x, (CHANNELS[0], CHANNELS[0]), 1)
        x = self.residual("block2", x, CHANNELS, 2)
        self.block = ""
        x = self.add("pool", "global_avg_pool", {"x": x})
        x = self.add("flat", "flatten", {"x": x}, start_dim=1)
        rule = {"init": "kaiming_normal", "shape": [10, CHANNELS[1]], "seed": 0}
        slots = {"x": x, "weight": self.leaf("fc.weight", "parameter", rule)}
        slots["bias"] = self.leaf("fc.bias", "parameter", {"init": "zeros", "shape": [10]})
        self.add("loss", "cross_entropy", {"x": self.add("fc", "linear", slots), "target": "label"})
        return self.graph


class Adam:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101) and a cosine schedule."""

    def __init__(self, parameters: dict[str, Array], steps: int) -> None:
        self.parameters = parameters
        self.steps = steps
        self.done = 0
        self.first = {name: np.zeros_like(p) for name, p in parameters.items()}
        self.second = {name: np.zeros_like(p) for name, p in parameters.items()}

    def step(self, pass_: resdebug.LivePass) -> None:
        """Move every parameter against its gradient."""
        self.done += 1
        rate = RATE * 0.5 * (1 + math.cos(math.pi * self.done / self.steps))
        for name, parameter in self.parameters.items():
            gradient = pass_.adjoint(name)
            if gradient is None:
                continue
            self.first[name] = BETAS[0] * self.first[name] + (1 - BETAS[0]) * gradient
            self.second[name] = BETAS[1] * self.second[name] + (1 - BETAS[1]) * gradient**2
            mean = self.first[name] / (1 - BETAS[0] ** self.done)
            scale = np.sqrt(self.second[name] / (1 - BETAS[1] ** self.done)) + 1e-8
            decay = DECAY * parameter if parameter.ndim > 1 else 0.0
            self.parameters[name] = parameter - rate * (mean / scale + decay)


def batches(digits: Digits, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield the training images in a new order, each moved by up to a pixel."""
    order = rng.permutation(len(digits.images))
    for start in range(0, len(order) - BATCH + 1, BATCH):
        chosen = order[start : start + BATCH]
        padded = np.pad(digits.images[chosen], ((0, 0), (0, 0), (1, 1), (1, 1)))
        down, right = rng.integers(0, 3, size=2)
        yield padded[:, :, down : down + 8, right : right + 8], digits.labels[chosen]


def train(digits: Digits, epochs: int, seed: int) -> tuple[dict[str, Array], dict[str, str]]:
    """Train from the seed; return the parameters, and which convolution each batch normalisation follows."""
    rng = np.random.default_rng(seed)
    builder = Builder(True, {"target": "loss"})
    network = resdebug.from_networkx(builder.build(digits.images[:BATCH], digits.labels[:BATCH]))
    parameters: dict[str, Array] = {}
    for node in network.nodes:
        if node.op == "parameter":
            start = network.values[node.name].array()
            fan_in = math.prod(node.shape[1:])
            parameters[node.name] = (
                rng.normal(size=node.shape) * math.sqrt(2 / fan_in) if len(node.shape) > 1 else start.copy()
            )
    steps = len(digits.images) // BATCH
    optimiser = Adam(parameters, epochs * steps)
    began = time.monotonic()
    for epoch in range(1, epochs + 1):
        losses = []
        for images, labels in batches(digits, rng):
            pass_ = resdebug.differentiate(network, inputs={"x": images, "label": labels, **parameters})
            losses.append(float(np.asarray(pass_.value("loss"))))
            optimiser.step(pass_)
        print(f"epoch {epoch:>3}  loss {np.mean(losses):.4f}  {time.monotonic() - began:.0f} s", flush=True)
    return {**parameters, **statistics(network, digits, parameters, builder.norms)}, builder.norms


def statistics(
    network: resdebug.Network, digits: Digits, parameters: dict[str, Array], norms: dict[str, str]
) -> dict[str, Array]:
    """Return mean and variance per channel before every batch normalisation, over all training images at once."""
    pass_ = resdebug.differentiate(network, inputs={"x": digits.images, "label": digits.labels, **parameters})
    found: dict[str, Array] = {}
    for norm, conv in norms.items():
        value = np.asarray(pass_.value(conv))
        found[f"{norm}.running_mean"] = value.mean(axis=(0, 2, 3))
        found[f"{norm}.running_var"] = value.var(axis=(0, 2, 3))
    return found


def logits(tensors: dict[str, Array], images: Array, labels: Array) -> Array:
    """Return what the network in inference mode says of images, (N, 10)."""
    network = resdebug.from_networkx(Builder(False, {"target": "loss"}).build(images[:1], labels[:1]))
    pass_ = resdebug.differentiate(network, inputs={"x": images, "label": labels, **tensors})
    return np.asarray(pass_.value("fc"))


def save(folder: Path, tensors: dict[str, Array], digits: Digits) -> str:
    """Write graph and weights; return what the description says."""
    from safetensors.numpy import save_file

    stored = {name: array.astype(np.float32) for name, array in tensors.items()}
    said = logits({k: v.astype(np.float64) for k, v in stored.items()}, digits.test_images, digits.test_labels)
    right = said.argmax(axis=1) == digits.test_labels
    shifted = np.exp(said - said.max(axis=1, keepdims=True))
    chances = shifted / shifted.sum(axis=1, keepdims=True)
    worst = int(chances[np.arange(len(said)), digits.test_labels].argmin())
    label, guess = int(digits.test_labels[worst]), int(said[worst].argmax())
    percent = [f"{100 * chances[worst, k]:.1f} %" for k in (guess, label)]
    description = (
        "A residual network of two blocks, trained with this engine on the UCI handwritten digits: "
        f"{right.sum()} of {len(right)} held-out images right ({100 * right.mean():.1f} %). The input x is the "
        f"held-out image with the largest loss: the digit {label}, which the network takes for {guess} "
        f"({percent[0]} against {percent[1]}). Follow the adjoint down to x: h shows where in the image the loss could "
        "be lowered."
    )
    about = {"name": NAME, "target": "loss", "dtype": "float64", "description": description}
    graph = Builder(False, about).build(digits.test_images[worst : worst + 1], digits.test_labels[worst : worst + 1])
    for name in stored:
        graph.nodes[name]["value"] = {"file": f"{NAME}.safetensors", "name": name}
    save_file(stored, folder / f"{NAME}.safetensors")
    data = nx.node_link_data(graph, edges="edges")
    nodes = ",\n".join("  " + json.dumps({"id": n.pop("id"), **n}) for n in data["nodes"])
    edges = ",\n".join("  " + json.dumps({k: e[k] for k in ("source", "target", "slot")}) for e in data["edges"])
    head = json.dumps(data["graph"], ensure_ascii=False, indent=1)
    text = (
        f'{{"directed": true,\n "multigraph": true,\n "graph": {head},\n "nodes": [\n{nodes}],\n "edges": [\n{edges}]}}'
    )
    (folder / f"{NAME}.json").write_text(text + "\n", encoding="utf-8")
    return description


def main() -> None:
    """Train, save, and say how well it went."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    digits = load_digits(options.seed)
    tensors, _ = train(digits, options.epochs, options.seed)
    print(save(options.output, tensors, digits))


if __name__ == "__main__":
    main()
