"""Convolutions over time as convolutions over images of height 1, which ONNX Runtime runs a third faster.

Its CPU kernels for blocked layouts (NCHWc) take two dimensions only; one-dimensional convolutions go the slow way
(onnxruntime, core/optimizer/nchwc_transformer.cc). The numbers are the same.
"""

import torch
from torch.nn import functional as F


class Wide(torch.nn.Module):
    """One Conv1d, computed in two dimensions: (b, c, t) -> (b, d, t')."""

    def __init__(self, narrow: torch.nn.Conv1d) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(narrow.weight.detach().unsqueeze(2))
        self.bias = narrow.bias
        self.stride, self.dilation = (1, narrow.stride[0]), (1, narrow.dilation[0])
        self.padding = narrow.padding if narrow.padding == "same" else (0, narrow.padding[0])
        self.groups = narrow.groups

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """What the Conv1d returns."""
        wide = given.unsqueeze(2)
        made = F.conv2d(
            wide, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )
        return made.squeeze(2)


def widen(module: torch.nn.Module) -> torch.nn.Module:
    """The module with each of its Conv1d replaced; for export, after weight norms are folded in."""
    for name, child in list(module.named_children()):
        if type(child) is torch.nn.Conv1d:
            setattr(module, name, Wide(child))
        else:
            widen(child)
    return module
