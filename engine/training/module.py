"""MXNet's Module for images of changing size."""
import logging
import os

import mxnet as mx

from ...errors import ConfigError
from ..checkpoints.optimizer_states import checked_states, states_by_index, states_by_name


class ImageTooLarge(ConfigError):
    """A batch is larger than what the module was bound for; the message says both sizes and the key to raise."""


# Sizes that stay bound, beside the largest. On the CPU MKL-DNN keeps 20 MB (setting S) to 180 MB (L) for each.
KEPT_SIZES = 8


class RebindingModule(mx.mod.BucketingModule):
    """Module that is bound for the largest batch, and for other sizes when they come.

    All sizes share arrays with the largest. Bound again by `Module.reshape` whenever the size changes a step would
    take 30 to 100 ms longer; MXNet's buckets keep what they bound, here the `KEPT_SIZES` last used.

    Args:
        symbol: mx.sym.Symbol.
        data_names, label_names: inputs that a batch brings.
        contexts: devices; a batch is cut into equal parts.
        fixed: names of the parameters that stay as they are.
        data_shapes, label_shapes: `(name, shape)` of the largest batch, all devices together; the first is the images'.
    """

    def __init__(self, symbol, data_names, label_names, contexts, fixed, data_shapes, label_shapes):
        # MXNet would write a line at every new size.
        os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
        self._largest = tuple(data_shapes[0][1][2:])
        key = _bucket(data_shapes)
        super().__init__(lambda _: (symbol, data_names, label_names), default_bucket_key=key, context=contexts,
                         fixed_param_names=list(fixed), logger=logging.getLogger(__name__))
        self.bind(data_shapes, label_shapes)

    def forward(self, data_batch, is_train=None):
        """Runs a batch of any size up to the largest, in either orientation.

        Raises:
            ImageTooLarge: for a larger one.
        """
        size = data_batch.data[0].shape[2:]
        if any(side > bound for side, bound in zip(sorted(size), sorted(self._largest))):
            raise ImageTooLarge(
                "a batch of images of %d x %d pixels (height x width) is larger than the %d x %d that the module was "
                "bound for: raise SCALES, or TRAIN.SCALES where it is set" % (*size, *self._largest))
        key = data_batch.bucket_key = _bucket(data_batch.provide_data)
        super().forward(data_batch, is_train)
        self._buckets[key] = self._buckets.pop(key)
        kept = [other for other in self._buckets if other != self._default_bucket_key]
        for oldest in kept[:-KEPT_SIZES]:
            del self._buckets[oldest]

    def get_params(self):
        """Parameters and auxiliary states by name, two dicts of arrays on the CPU; of the states, the devices' mean."""
        # Executors write moving means and variances behind the back of whoever copies them.
        mx.nd.waitall()
        return super().get_params()

    def init_optimizer(self, kvstore, optimizer, optimizer_params):
        """Sets up the optimizer; the gradient is the mean over the devices."""
        super().init_optimizer(kvstore, optimizer, dict(optimizer_params, rescale_grad=1 / len(self._context)))

    def set_learning_rate(self, rate):
        """Of the next update, before the factors that parameters may have."""
        self._curr_module._optimizer.set_learning_rate(rate)

    def optimizer_states(self):
        """What the optimizer remembers, (states, counts), as `optimizer_states.trainer_states` gives it."""
        updater, indices = self._updater()
        names = {index: name for name, index in indices[0].items()}
        states = {index: state for index, state in updater.states.items() if index in names}
        counts = updater.optimizer._all_index_update_counts
        counts = {index: count for device in counts.values() for index, count in device.items() if index in names}
        return states_by_name(states, names), {names[index]: count for index, count in counts.items()}

    def restore_optimizer(self, states, counts, path="the file"):
        """Makes the optimizer remember what `optimizer_states` returned; CheckpointError lists what does not fit."""
        shapes = {name: array.shape for name, array in self.get_params()[0].items()
                  if name not in self._fixed_param_names}
        states = checked_states(path, shapes, states, counts)
        updater, indices = self._updater()
        updater.states, by_index = {}, {}
        for of_device, context in zip(indices, self._context):
            updater.states.update(states_by_index(states, of_device, context))
            by_index.update({of_device[name]: count for name, count in counts.items()})
        # An array comes to the device that needs it with its first update.
        updater.states_synced = dict.fromkeys(updater.states, False)
        optimizer = updater.optimizer
        devices = {0} | {context.device_id for context in self._context}
        optimizer._all_index_update_counts = {device: dict(by_index) for device in devices}
        optimizer._index_update_count = optimizer._all_index_update_counts[0]
        optimizer.num_update = max(by_index.values(), default=optimizer.begin_num_update)

    def _updater(self):
        """MXNet's updater, and for every device that has states of its own the index of each parameter's state."""
        module = self._curr_module
        names = module._exec_group.param_names
        if module._update_on_kvstore:
            return module._kvstore._updater, [{name: name for name in names}]
        devices = len(self._context)
        return module._updater, [{name: i * devices + k for i, name in enumerate(names)} for k in range(devices)]


def _bucket(shapes):
    return tuple(tuple(shape[1]) for shape in shapes)
