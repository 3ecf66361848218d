"""The objectives that a trainer minimises: the losses of a Gluon detector, or those of a symbolic training graph."""
from typing import Dict, List, Sequence

import mxnet as mx
import numpy as np
from mxnet import gluon
from yacs.config import CfgNode

from ...gluon_models.detector_losses import LOSSES, METRICS
from ...gluon_models.weights.mxnet_files import load_arrays
from ..checkpoints.checkpoint_files import Content, read_checkpoint
from ..checkpoints.networks import load_checkpoint, network_content
from ..checkpoints.optimizer_states import restore_trainer, trainer_states
from ..checkpoints.parameters import load_parameters, own_parameters, parameter_arrays
from ..symbolic.blocks import graph_block
from ..symbolic.detector import SymbolDetector
from ..symbolic.graphs import TrainableGraph
from ..symbolic.weights import file_arrays, fold_box_normalization, read_weights, split_weights
from .metrics import mean_metrics, rcnn_sums, rpn_sums

_Outputs = Sequence[mx.nd.NDArray]


class Objective:
    """Base class: a network with its losses, which a trainer runs on each device's part of a batch."""

    def __call__(self, *inputs: mx.nd.NDArray) -> List[mx.nd.NDArray]:
        """Runs the network and its losses on one device's part of a batch; returns the outputs."""
        raise NotImplementedError

    def set_seed(self, seed: int) -> None:
        """Seeds all generators of random numbers that a step uses; in this class only MXNet's."""
        mx.random.seed(seed)

    def heads(self, outputs: _Outputs) -> List[mx.nd.NDArray]:
        """Returns the arrays, made of one device's outputs, from which the backward pass starts."""
        raise NotImplementedError

    def metrics(self, outputs: Sequence[_Outputs], inputs: Sequence[_Outputs]) -> Dict[str, float]:
        """Returns the metrics of a step by name, "loss" among them, from the outputs and inputs of all devices."""
        raise NotImplementedError

    def content(self, optimizer: gluon.Trainer) -> Content:
        """Returns what a checkpoint of the network and its optimizer holds."""
        raise NotImplementedError

    def load_parameters(self, path: str) -> None:
        """Loads the parameters of a file; CheckpointError where they do not fit."""
        raise NotImplementedError

    def load_checkpoint(self, base: str, optimizer: gluon.Trainer) -> None:
        """Loads the parameters and the optimizer states of the checkpoint PREFIX-TAG."""
        raise NotImplementedError

    def detector(self) -> gluon.HybridBlock:
        """Returns a detector with the current parameters, called as `ids, scores, bboxes = net(x, im_info)`."""
        raise NotImplementedError


class LossesObjective(Objective):
    """The losses of a Gluon detector; the sum of the four losses is minimised.

    Args:
        losses: block such as `gluon_models.DetectorLosses`, whose outputs are the scalars that
            `detector_losses.METRICS` names, and whose attribute `net` is the detector.
    """

    def __init__(self, losses: gluon.HybridBlock):
        self._losses, self._net = losses, losses.net
        self._losses.hybridize()

    def __call__(self, *inputs: mx.nd.NDArray) -> List[mx.nd.NDArray]:
        return self._losses(*inputs)

    def heads(self, outputs: _Outputs) -> List[mx.nd.NDArray]:
        return [sum(outputs[:len(LOSSES)])]

    def metrics(self, outputs: Sequence[_Outputs], inputs: Sequence[_Outputs]) -> Dict[str, float]:
        figures = {name: sum(float(of_device[i].asscalar()) for of_device in outputs) / len(outputs)
                   for i, name in enumerate(METRICS)}
        return dict(figures, loss=sum(figures[name] for name in LOSSES))

    def content(self, optimizer: gluon.Trainer) -> Content:
        return network_content(self._net, optimizer)

    def load_parameters(self, path: str) -> None:
        load_parameters(path, self._net)

    def load_checkpoint(self, base: str, optimizer: gluon.Trainer) -> None:
        load_checkpoint(base, self._net, optimizer)

    def detector(self) -> gluon.HybridBlock:
        return self._net


class GraphObjective(Objective):
    """A symbolic training graph, whose outputs carry their own gradients (SoftmaxOutput, MakeLoss).

    Args:
        cfg: the configuration of the graph.
        graph: from `symbolic.graphs.training_graph`.
        classes: class names, background not among them.
        contexts: the devices that hold the parameters.
        values: first values of the parameters by name.
        fixed: names of the parameters that stay as they are.

    Attributes:
        symbol: the graph that is saved with checkpoints.
        block: the graph that runs; on the CPU with this project's RoI pooling in place of MXNet's.
    """

    def __init__(self, cfg: CfgNode, graph: TrainableGraph, classes: Sequence[str], contexts: Sequence[mx.Context],
                 values: Dict[str, mx.nd.NDArray], fixed: Sequence[str]):
        self._cfg, self._graph, self.symbol = cfg, graph, graph.symbol
        self._classes, self._contexts = tuple(classes), list(contexts)
        arguments, _ = split_weights(graph.symbol, values)
        self.block = graph_block(graph.symbol, graph.names, contexts, values, set(arguments) - set(fixed))

    def __call__(self, *inputs: mx.nd.NDArray) -> List[mx.nd.NDArray]:
        batch = dict(zip(self._graph.batch_names, inputs))
        if "rois" in batch:
            batch["rois"] = _with_image_numbers(batch["rois"])
        return self.block(*(batch[name] for name in self._graph.names))

    def set_seed(self, seed: int) -> None:
        super().set_seed(seed)
        # The custom operators of the MXNet original draw from the global generator of NumPy.
        np.random.seed(seed)

    def heads(self, outputs: _Outputs) -> List[mx.nd.NDArray]:
        return list(outputs)

    def metrics(self, outputs: Sequence[_Outputs], inputs: Sequence[_Outputs]) -> Dict[str, float]:
        figures = mean_metrics(self._sums(*pair) for pair in zip(outputs, inputs))
        return dict(figures, loss=sum(value for name, value in figures.items() if name.endswith("Loss")))

    def _sums(self, outputs: _Outputs, inputs: _Outputs) -> Dict[str, tuple]:
        label = inputs[self._graph.batch_names.index("label")]
        if self._graph.part == "rcnn":
            # With hard example mining the graph has an output of labels in which the RoIs not chosen are -1.
            return rcnn_sums(outputs[2] if self._cfg.TRAIN.ENABLE_OHEM else label, *outputs[:2])
        sums = rpn_sums(label, *outputs[:2])
        if self._graph.part == "end2end":
            sums.update(rcnn_sums(outputs[4], *outputs[2:4]))
        return sums

    def parameters(self) -> Dict[str, mx.nd.NDArray]:
        """Copies the parameters to the CPU, by name; moving means and variances are averaged over the devices."""
        return {name.partition(":")[2]: array for name, array in parameter_arrays(self.block).items()}

    def content(self, optimizer: gluon.Trainer) -> Content:
        arrays = file_arrays(self._cfg, *split_weights(self.symbol, self.parameters()))
        return Content(arrays, *trainer_states(optimizer, self.block), classes=self._classes)

    def load_parameters(self, path: str) -> None:
        parameters = own_parameters(self.block)
        shapes = {name: parameter.shape for name, parameter in parameters.items()}
        for name, array in read_weights(path, shapes)[0].items():
            parameters[name].set_data(array)

    def load_checkpoint(self, base: str, optimizer: gluon.Trainer) -> None:
        state = read_checkpoint(base)
        self.load_parameters(base + ".params")
        restore_trainer(optimizer, self.block, load_arrays(base + ".states"), state["update_counts"], base + ".states")

    def detector(self) -> SymbolDetector:
        weights = self.parameters()
        weights.update(fold_box_normalization(self._cfg, weights))
        return SymbolDetector(self._cfg, self._classes, self._contexts, weights)


def _with_image_numbers(rois: mx.nd.NDArray) -> mx.nd.NDArray:
    """Sets the first column of RoIs (N, K, 5) to the index of their image, 0 to N - 1, in this device's part."""
    numbers = mx.nd.arange(rois.shape[0], ctx=rois.context).reshape((-1, 1, 1))
    return mx.nd.concat(mx.nd.broadcast_like(numbers, rois, lhs_axes=(1,), rhs_axes=(1,)), rois[:, :, 1:], dim=2)
