"""The same networks in PyTorch, from the same files, and what others keep of their passes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch

import resdebug
from resdebug.network.order import schedule
from tests.oracle.interpreter import OPERATORS

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


class Plan:
    """A network's nodes in the order of the forward pass, its tensors made, everything looked up beforehand."""

    def __init__(self, net: resdebug.Network) -> None:
        nodes = [net.nodes[i] for i in reversed(schedule(net).order)]
        self.target = net.target
        # PyTorch's own memory is aligned as its kernels like it; numpy's costs them some percent.
        self.leaves = {n.name: torch.tensor(net.values[n.name].array()) for n in nodes if n.is_leaf}
        self.parameters = [n.name for n in nodes if n.op == "parameter" and n.is_differentiable_leaf]
        self.differentiable = [n.name for n in nodes if n.is_differentiable_leaf]
        self.steps = [
            (n.name, OPERATORS[n.op], [(e.slot, e.source) for e in n.inputs if e is not None], n.attributes)
            for n in nodes
            if not n.is_leaf
        ]

    def fill(self, tensors: dict[str, Any], watch: Callable[[str, Any], None] | None = None) -> Any:
        """Compute all nodes into ``tensors``, which holds the leaves; return the target."""
        for name, operator, slots, attributes in self.steps:
            made = operator({slot: tensors[source] for slot, source in slots}, attributes)
            tensors[name] = made
            if watch is not None:
                watch(name, made)
        return tensors[self.target]


def hooked(net: resdebug.Network) -> Callable[[], tuple[dict[str, Any], dict[str, Any]]]:
    """Return a pass that keeps every value, and by a hook on every tensor its gradient.

    PyTorch itself keeps the gradients of leaves; a hook there would make it copy them.
    """
    plan = Plan(net)

    def run() -> tuple[dict[str, Any], dict[str, Any]]:
        tensors = {name: leaf.detach() for name, leaf in plan.leaves.items()}
        for name in plan.differentiable:
            tensors[name].requires_grad_()
        adjoints: dict[str, Any] = {}

        def watch(name: str, tensor: Any) -> None:
            if tensor.requires_grad:
                tensor.register_hook(lambda gradient: adjoints.__setitem__(name, gradient))

        plan.fill(tensors, watch).backward()
        for name in plan.differentiable:
            adjoints[name] = tensors[name].grad
        return tensors, adjoints

    return run


class Model(torch.nn.Module):  # type: ignore[misc]
    """The network as a module: its parameters are registered, its inputs and constants are arguments."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.inputs = [name for name in plan.leaves if name not in plan.parameters]
        self.weights = torch.nn.ParameterList(plan.leaves[name] for name in plan.parameters)

    def forward(self, *given: Any) -> Any:
        """Compute the target."""
        tensors = dict(zip(self.inputs, given, strict=True)) | dict(
            zip(self.plan.parameters, self.weights, strict=True)
        )
        return self.plan.fill(tensors)


def recorded(net: resdebug.Network) -> Callable[[], object]:
    """Return a pass of which torchlens saves every activation and every gradient."""
    import torchlens

    plan = Plan(net)
    model = Model(plan)
    given = tuple(plan.leaves[n].requires_grad_(n in plan.differentiable) for n in model.inputs)
    capture = torchlens.options.CaptureOptions(save_grads=True)

    def run() -> object:
        model.zero_grad(set_to_none=True)
        for tensor in given:
            tensor.grad = None
        log = torchlens.trace(model, given, capture=capture)
        log.log_backward(log[log.output_layers[0]].out)
        return log

    return run
