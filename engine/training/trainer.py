"""End-to-end training of a Gluon detector."""
import math

import mxnet as mx
from mxnet import autograd, gluon

from ...errors import TrainingError
from ...gluon_models.training import LOSSES, METRICS
from ..building import build
from ..checkpoints.checkpoint import load_checkpoint, load_parameters, save_checkpoint
from .loop import TrainingLoop, learning_rates, optimizer_options

__all__ = ["EndToEndTrainer", "TrainingError", "gluon_trainer", "learning_rates"]


def gluon_trainer(cfg, net):
    """The optimizer over the parameters that are not fixed; biases and shifts do not decay, as in MXNet's Module."""
    parameters = {name: p for name, p in net.collect_params().items() if p.grad_req != "null"}
    for parameter in net.neck.collect_params().values():
        parameter.lr_mult = cfg.TRAIN.LIGHT_HEAD_LR_MULT
    for name, parameter in parameters.items():
        parameter.wd_mult = 1.0 if name.endswith(("_weight", "_gamma")) else 0.0
    return gluon.Trainer(parameters, cfg.TRAIN.optimizer, optimizer_options(cfg), kvstore=cfg.default.kvstore,
                         update_on_kvstore=False)


class EndToEndTrainer(TrainingLoop):
    """Trains the detector `network.model`; arguments and errors as in `TrainingLoop`.

    Attributes:
        net: the detector.
    """

    def _prepare(self, fresh):
        cfg = self._cfg
        self.net = build.build_net(cfg, self.dataset.classes)
        self._loader = build.build_train_loader(cfg, self.net.features.feature_size, self.dataset, self._images,
                                                self.net.stride)
        build.log_misfits(self._logger, build.initialize(cfg, self.net, self._contexts, fresh, self._allow_partial))
        fixed = build.fix_parameters(self.net, cfg.network.FIXED_PARAMS)
        build.warn_of_fixed_noise(cfg, fixed, self._logger)
        self._logger.info("%s: %.2fM parameters, %d arrays fixed", cfg.network.model,
                          sum(math.prod(p.shape) for p in self.net.collect_params().values()) / 1e6, len(fixed))
        self._trainer = gluon_trainer(cfg, self.net)
        self._graph = build.build_training_graph(cfg, self.net)
        self._graph.hybridize()

    def _load(self, checkpoint, states):
        if states:
            load_checkpoint(checkpoint, self.net, self._trainer)
        else:
            load_parameters(checkpoint + ".params", self.net)

    def _write(self, epoch, state, whole_epoch):
        return save_checkpoint(self._prefix, self.net, self._trainer, epoch, self.step, state, whole_epoch)

    def _update(self, batch, learning_rate):
        shards = [gluon.utils.split_and_load(mx.nd.array(array), self._contexts) for array in batch]
        with autograd.record():
            outputs = [self._graph(*shard) for shard in zip(*shards)]
            losses = [sum(output[:len(LOSSES)]) for output in outputs]
        autograd.backward(losses)
        self._trainer.set_learning_rate(learning_rate)
        self._trainer.step(len(self._contexts))
        metrics = {name: sum(float(output[i].asscalar()) for output in outputs) / len(outputs)
                   for i, name in enumerate(METRICS)}
        return dict(metrics, loss=sum(metrics[name] for name in LOSSES))
