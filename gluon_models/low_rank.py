"""Fully connected layers of low rank (Fast R-CNN, arXiv 1504.08083, section 3.1): two small layers in place of one."""
from types import ModuleType
from typing import Dict, Mapping, NamedTuple

import numpy as np
from mxnet.gluon import HybridBlock, nn

from ..errors import ModelError
from ..operators.arrays import Array


class LowRankDense(HybridBlock):
    """Two fully connected layers with nothing between them, which compute one whose weights have a low rank.

    The parameters are NAME_L_weight (rank, in_units), NAME_U_weight (units, rank) and NAME_U_bias (units,), as the
    program of the paper's authors names them.

    Input: float32 (R, in_units), or any shape that flattens to it. Output: float32 (R, units).

    Args:
        name: of the layer that is replaced.
        units, in_units: of that layer.
        rank: units between the two layers.
    """

    def __init__(self, name: str, units: int, in_units: int, rank: int):
        super().__init__(prefix="")
        with self.name_scope():
            self.first = nn.Dense(rank, in_units=in_units, use_bias=False, prefix=f"{name}_L_")
            self.second = nn.Dense(units, in_units=rank, prefix=f"{name}_U_")

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        return self.second(self.first(x))


def dense_layers(head: HybridBlock) -> Dict[str, nn.Dense]:
    """Returns the hidden fully connected layers of a head by their names, such as "fc6"; those of low rank are not."""
    hidden = set(head.hidden_layers)
    return {name: layer for name, layer in head._children.items() if layer in hidden and isinstance(layer, nn.Dense)}


def split_dense_layers(head: HybridBlock, ranks: Mapping[str, int]) -> None:
    """Replaces fully connected layers of a head by layers of low rank, whose parameters are not initialised.

    Args:
        head: see `heads.FullyConnectedHead`.
        ranks: by the names of layers.

    Raises:
        ModelError: there is no such layer, or a rank is above the largest that the layer can have.
    """
    layers = dense_layers(head)
    check_ranks(ranks, {name: layer.weight.shape for name, layer in layers.items()})
    for name, rank in ranks.items():
        units, in_units = layers[name].weight.shape
        del head._children[name]
        delattr(head, name)  # a block of another kind may not take its place
        with head.name_scope():
            setattr(head, name, LowRankDense(name, units, in_units, rank))


def check_ranks(ranks: Mapping[str, int], shapes: Mapping[str, tuple]) -> None:
    """Raises ModelError for the name of a layer that is not there, and for a rank that the layer cannot have.

    Args:
        ranks: by the names of layers.
        shapes: of the weights of the layers that are there, (units, in_units), by their names.
    """
    for name, rank in ranks.items():
        if name not in shapes:
            known = f"it has {', '.join(shapes)}" if shapes else "it has none"
            raise ModelError(f"the head has no hidden layer {name} that is fully connected; {known}")
        if not 1 <= rank <= min(shapes[name]):
            raise ModelError(f"the rank of {name} is {rank}; it must be from 1 to {min(shapes[name])}, the full rank "
                             f"of its weights {shapes[name][0]} x {shapes[name][1]}")


class SingularValues(NamedTuple):
    """The singular value decomposition of the weights W of a fully connected layer, in float64; W = u diag(s) vt."""

    u: np.ndarray  # (units, k), k the smaller one of units and in_units
    s: np.ndarray  # (k,), falling
    vt: np.ndarray  # (k, in_units)

    @classmethod
    def of(cls, weight: np.ndarray) -> "SingularValues":
        """Decomposes weights (units, in_units)."""
        return cls(*np.linalg.svd(weight.astype(np.float64), full_matrices=False))

    def rank_of_energy(self, energy: float) -> int:
        """Returns the smallest rank at which the squared singular values add up to a share of the sum of all.

        Args:
            energy: the share, above 0 and at most 1.
        """
        shares = np.cumsum(np.square(self.s)) / max(np.square(self.s).sum(), np.finfo(np.float64).tiny)
        # Rounding may leave the last share a little below 1.
        return int(min(np.searchsorted(shares, energy - 1e-12) + 1, len(self.s)))

    def split(self, rank: int) -> Dict[str, np.ndarray]:
        """Returns the weights of the two layers of a rank, of which the largest singular values are kept.

        Returns:
            "L_weight", float32 (rank, in_units), which is Sigma_t V_t^T in the paper, and "U_weight", float32 (units,
            rank), which is U_t.
        """
        return {"L_weight": (self.s[:rank, None] * self.vt[:rank]).astype(np.float32),
                "U_weight": self.u[:, :rank].astype(np.float32)}
