"""Training of a symbolic graph by MXNet's Module."""
import math

from ..building import build
from ..checkpoints.arrays import load_arrays
from ..checkpoints.checkpoint import read_state, write_checkpoint
from ..files import atomic_write
from .loop import TrainingLoop, optimizer_options
from ..symbolic.detector import SymbolDetector
from ..symbolic.graphs import LABELS, as_run, training_graph
from .loaders import AnchorLoader, RoiLoader
from .module import RebindingModule
from ..symbolic.weights import (added_branches, file_arrays, folded_boxes, initial_weights, parameter_shapes,
                                read_weights, split_weights)


class SymbolTrainer(TrainingLoop):
    """Trains the graph `symbol`, or for alternate training a part of it; further arguments as in `TrainingLoop`.

    Checkpoints have the port's layout: PREFIX-symbol.json is the graph as trained, PREFIX-0001.params its parameters,
    with those of the boxes' layer also as tests need them (`weights.file_arrays`).

    Args:
        part: "end2end", or "rpn" (the proposal network) or "rcnn" (the rest, on given RoIs).
        proposals: for "rcnn", boxes by image; see `RoiLoader`.
        start: arrays by name to begin with in place of the backbone of `network.pretrained`.
    """

    def __init__(self, cfg, contexts, logger, resume=False, allow_partial=False, part="end2end", proposals=None,
                 start=None):
        self._part, self._proposals, self._start = part, proposals, start
        super().__init__(cfg, contexts, logger, resume, allow_partial)

    def _prepare(self, fresh):
        cfg, classes = self._cfg, len(self.dataset.classes) + 1
        graph = training_graph(cfg, classes, self._part)
        self._symbol = graph.symbol
        if self._part == "rcnn":
            self._loader = RoiLoader(cfg, self.dataset, self._proposals, classes, self._images)
        else:
            self._loader = AnchorLoader(cfg, graph, self.dataset, self._images)
        self._metrics = [make() for make in graph.metrics]
        self._shapes = parameter_shapes(graph.symbol, {
            desc.name: (cfg.TRAIN.BATCH_IMAGES, *desc.shape[1:])
            for desc in self._loader.provide_data + self._loader.provide_label})
        fixed = [name for name in split_weights(graph.symbol, self._shapes)[0]
                 if any(word in name for word in cfg.network.FIXED_PARAMS)]
        if self._start is None:
            build.warn_of_fixed_noise(cfg, fixed, self._logger)
        self._logger.info("%s, %s: %.2fM parameters, %d arrays fixed", cfg.symbol, self._part,
                          sum(map(math.prod, self._shapes.values())) / 1e6, len(fixed))
        self._module = RebindingModule(as_run(graph.symbol, self._contexts), graph.data_names, LABELS, self._contexts,
                                       fixed, self._loader.provide_data, self._loader.provide_label)
        if fresh:
            weights, problems = initial_weights(cfg, self._shapes, added_branches(graph.symbol), self._start,
                                                self._allow_partial)
            build.log_misfits(self._logger, problems)
            self._begin(weights)

    @property
    def net(self):
        """A detector with the parameters as they are now."""
        arguments, auxiliaries = self._module.get_params()
        weights = {**arguments, **auxiliaries, **folded_boxes(self._cfg, arguments)}
        return SymbolDetector(self._cfg, self.dataset.classes, self._contexts, lambda _: weights)

    def _begin(self, weights):
        """Takes these parameters, and an optimizer that remembers nothing, in this order: a KVStore keeps both."""
        self._module.init_params(None, *split_weights(self._symbol, weights))
        self._module.init_optimizer(self._cfg.default.kvstore, self._cfg.TRAIN.optimizer, optimizer_options(self._cfg))

    def _load(self, checkpoint, states):
        self._begin(read_weights(checkpoint + ".params", self._shapes)[0])
        if states:
            self._module.restore_optimizer(load_arrays(checkpoint + ".states"),
                                           read_state(checkpoint)["update_counts"], checkpoint + ".states")

    def _write(self, epoch, state, whole_epoch):
        with atomic_write(self._prefix + "-symbol.json") as temporary:
            self._symbol.save(temporary)

        def content():
            return (file_arrays(self._cfg, *self._module.get_params()), *self._module.optimizer_states())

        return write_checkpoint(self._prefix, content, self.dataset.classes, epoch, self.step, state, whole_epoch)

    def _update(self, batch, learning_rate):
        self._module.set_learning_rate(learning_rate)
        self._module.forward(batch)
        self._module.backward()
        self._module.update()
        for metric in self._metrics:
            metric.reset()
            self._module.update_metric(metric, batch.label)
        values = {metric.name: metric.mean() for metric in self._metrics}
        return dict(values, loss=sum(value for name, value in values.items() if name.endswith("Loss")))
