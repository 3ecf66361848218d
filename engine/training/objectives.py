"""The objectives that a trainer minimises: the losses of a Gluon detector, or those of a symbolic training graph."""
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import mxnet as mx
from mxnet import gluon
from yacs.config import CfgNode

from ...errors import UsageError
from ...operators.custom.base import seed_operators
from ..checkpoints.checkpoint_files import Content, verify_checkpoint
from ..checkpoints.networks import restore_training
from ..checkpoints.optimizer_states import trainer_states
from ..checkpoints.parameters import load_parameters, own_parameters, parameter_arrays, role
from ..checkpoints.raw_weights import with_raw_weights
from ..parallel.group import Group
from ..parallel.statistics import share_statistics
from ..symbolic.blocks import graph_block, running_graph
from ..symbolic.detector import SymbolDetector
from ..symbolic.graphs import TrainableGraph
from ..symbolic.weights import file_arrays, fold_box_normalization, read_weights, split_weights
from .averaging import WeightAverage
from .first_layer import first_block, first_node
from .metrics import mean_metrics, rcnn_sums, rpn_sums

_Outputs = Sequence[mx.nd.NDArray]


class Objective:
    """Base class: a network with its losses, which a trainer runs on each device's part of a batch.

    Attributes:
        block: the block that holds the parameters.
        classes: class names, background not among them.
        average: the moving average of the weights, which is tested and saved in their place; None without one.
        advice: what a user can do where the loss is no longer a finite number.
        batch_names: names of the first arrays of a batch, for messages.
    """

    block: gluon.Block
    classes: Sequence[str] = ()
    average: Optional[WeightAverage] = None
    batch_names: Sequence[str] = ()
    advice = "lower TRAIN.lr, lengthen TRAIN.warmup_step, or set TRAIN.CLIP_GRADIENT"

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

    def first_layer(self, inputs: _Outputs) -> Optional[str]:
        """Runs the network once more on one device's part of a batch, and looks at the output of every layer.

        Returns:
            The name of the first layer with an output that is not finite; None where there is none, and in this class.
        """

    def named_parameters(self) -> Dict[str, gluon.Parameter]:
        """Returns the network's parameters by name, in the order of the forward pass."""
        return dict(own_parameters(self.block))

    def start_average(self, decay: float, with_statistics: bool = True) -> None:
        """Begins the moving average of the weights, see `WeightAverage`."""
        self.average = WeightAverage(own_parameters(self.block), decay, with_statistics)

    def share_statistics(self, group: Group) -> None:
        """Gives all processes of a group the means of their moving means and variances, and of their averages."""
        share_statistics(group, {name: parameter.list_data() for name, parameter in own_parameters(self.block).items()
                                 if role(name) == "aux:"})
        if self.average is not None:
            share_statistics(group, self.average.statistics())

    def parameters(self) -> Dict[str, mx.nd.NDArray]:
        """Copies the parameters to the CPU, by name; moving means and variances are averaged over the devices."""
        return {name.partition(":")[2]: array for name, array in parameter_arrays(self.block).items()}

    def averaged_parameters(self) -> Dict[str, mx.nd.NDArray]:
        """Like `parameters`, with the moving average of those that have one: what is tested and saved."""
        return {**self.parameters(), **({} if self.average is None else self.average.arrays())}

    def content(self, optimizer: gluon.Trainer) -> Content:
        """Returns what a checkpoint of the network and its optimizer holds."""
        states, counts = trainer_states(optimizer, self.block)
        arrays = self.file_arrays(self.averaged_parameters())
        if self.average is None:
            return Content(arrays, states, counts, self.classes)
        return Content(arrays, with_raw_weights(states, self.average.weights()), counts, self.classes,
                       self.average.updates)

    def file_arrays(self, parameters: Mapping[str, mx.nd.NDArray]) -> Dict[str, mx.nd.NDArray]:
        """Returns the arrays of a parameter file by `arg:NAME` and `aux:NAME`."""
        return {role(name) + name: array for name, array in parameters.items()}

    def load_parameters(self, path: str) -> None:
        """Loads the parameters of a file, with which a moving average begins; CheckpointError where they do not fit."""
        self._read_parameters(path)
        if self.average is not None:
            self.average.begin()

    def load_checkpoint(self, base: str, optimizer: gluon.Trainer) -> Dict[str, Any]:
        """Loads the parameters and the optimizer states of the checkpoint PREFIX-TAG; returns its JSON file."""
        state = verify_checkpoint(base)
        self._read_parameters(base + ".params")
        if self.average is not None:
            # The weights themselves take the places of the averages next, where the checkpoint holds both.
            self.average.begin(state.get("average_updates", 0))
        restore_training(base, self.block, optimizer, state["update_counts"])
        return state

    def _read_parameters(self, path: str) -> None:
        raise NotImplementedError

    def detector(self) -> gluon.HybridBlock:
        """Returns a detector with the current parameters, called as `ids, scores, bboxes = net(x, im_info)`.

        Where there is a moving average of the weights, the detector has the averaged ones.
        """
        raise NotImplementedError


class LossesObjective(Objective):
    """The losses of a Gluon detector, whose sum is minimised.

    Args:
        losses: block such as `gluon_models.DetectorLosses`, whose outputs are the scalars that its `metric_names` name,
            first those of `loss_names`, and whose attribute `net` is the detector.
        make_detector: function that makes another detector of the same kind, without parameters; averaged weights are
            tested in it.
    """

    def __init__(self, losses: gluon.HybridBlock, make_detector: Optional[Callable[[], gluon.HybridBlock]] = None):
        self._losses, self.block = losses, losses.net
        self.classes = tuple(getattr(losses.net, "classes", ()))
        self._make_detector, self._averaged_net = make_detector, None
        self.batch_names = ("data", "im_info", "gt_boxes")
        self._losses.hybridize()

    def __call__(self, *inputs: mx.nd.NDArray) -> List[mx.nd.NDArray]:
        return self._losses(*inputs)

    def first_layer(self, inputs: _Outputs) -> Optional[str]:
        found = first_block(self._losses, lambda: self(*inputs))
        self._losses.hybridize()
        return found

    def heads(self, outputs: _Outputs) -> List[mx.nd.NDArray]:
        return [sum(outputs[:len(self._losses.loss_names)])]

    def metrics(self, outputs: Sequence[_Outputs], inputs: Sequence[_Outputs]) -> Dict[str, float]:
        figures = {name: sum(float(of_device[i].asscalar()) for of_device in outputs) / len(outputs)
                   for i, name in enumerate(self._losses.metric_names)}
        return dict(figures, loss=sum(figures[name] for name in self._losses.loss_names))

    def _read_parameters(self, path: str) -> None:
        load_parameters(path, self.block)

    def detector(self) -> gluon.HybridBlock:
        if self.average is None:
            return self.block
        if self._make_detector is None:
            raise UsageError("averaged weights are tested in a detector of their own: pass make_detector")
        if self._averaged_net is None:
            self._averaged_net = self._make_detector()
            self._averaged_net.initialize(ctx=next(iter(own_parameters(self.block).values())).list_ctx())
            self._averaged_net.hybridize()
        averaged = self.averaged_parameters()
        for name, parameter in own_parameters(self._averaged_net).items():
            parameter.set_data(averaged[name])
        return self._averaged_net


class GivenRoisObjective(LossesObjective):
    """The losses of a Gluon detector whose RoIs come with the batch, such as `gluon_models.FastRCNNLosses`.

    Its inputs are the arrays of `building.roi_loader.build_roi_loader`; arguments as those of `LossesObjective`.
    """

    def __call__(self, x: mx.nd.NDArray, im_info: mx.nd.NDArray, gt_boxes: mx.nd.NDArray, rois: mx.nd.NDArray,
                 *targets: mx.nd.NDArray) -> List[mx.nd.NDArray]:
        return self._losses(x, _with_image_numbers(rois), *targets)


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
        self.classes, self._contexts = tuple(classes), list(contexts)
        self.batch_names = graph.batch_names
        arguments, _ = split_weights(graph.symbol, values)
        self.block = graph_block(graph.symbol, graph.names, contexts, values, set(arguments) - set(fixed))

    def __call__(self, *inputs: mx.nd.NDArray) -> List[mx.nd.NDArray]:
        return self.block(*self._inputs(inputs))

    def _inputs(self, arrays: _Outputs) -> List[mx.nd.NDArray]:
        """Returns the inputs of the graph that the arrays of a batch are."""
        batch = dict(zip(self._graph.batch_names, arrays))
        if "rois" in batch:
            batch["rois"] = _with_image_numbers(batch["rois"])
        return [batch[name] for name in self._graph.names]

    def first_layer(self, inputs: _Outputs) -> Optional[str]:
        return first_node(running_graph(self.symbol, self._contexts), self.block, self._graph.names,
                          self._inputs(inputs))

    def set_seed(self, seed: int) -> None:
        super().set_seed(seed)
        # The custom operators of the MXNet original draw from the global generator of NumPy.
        seed_operators(seed)

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

    def file_arrays(self, parameters: Mapping[str, mx.nd.NDArray]) -> Dict[str, mx.nd.NDArray]:
        return file_arrays(self._cfg, *split_weights(self.symbol, parameters))

    def _read_parameters(self, path: str) -> None:
        parameters = own_parameters(self.block)
        shapes = {name: parameter.shape for name, parameter in parameters.items()}
        for name, array in read_weights(path, shapes)[0].items():
            parameters[name].set_data(array)

    def detector(self) -> SymbolDetector:
        weights = self.averaged_parameters()
        weights.update(fold_box_normalization(self._cfg, weights))
        return SymbolDetector(self._cfg, self.classes, self._contexts, weights)


def _with_image_numbers(rois: mx.nd.NDArray) -> mx.nd.NDArray:
    """Sets the first column of RoIs (N, K, 5) to the index of their image, 0 to N - 1, in this device's part."""
    numbers = mx.nd.arange(rois.shape[0], ctx=rois.context).reshape((-1, 1, 1))
    return mx.nd.concat(mx.nd.broadcast_like(numbers, rois, lhs_axes=(1,), rhs_axes=(1,)), rois[:, :, 1:], dim=2)
