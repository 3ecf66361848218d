"""Batches for training and for testing, made in this process or in workers."""
import numpy as np

from .records import read_image, targets_of
from .sampler import Draw
from .transforms import pad_batch, pad_boxes, to_network
from .workers import Workers


class _Batches:
    """Function that makes a batch: a list of Draw goes in, a tuple of arrays comes out."""

    def __init__(self, records, mean, std, stride, anchor_targets=None):
        self.records, self.mean, self.std, self.stride = records, mean, std, stride
        self.anchor_targets = anchor_targets

    def __call__(self, draws):
        samples = [self._sample(draw) for draw in draws]
        data = pad_batch([s[0] for s in samples], self.stride)
        im_info = np.stack([s[1] for s in samples])
        targets = [self.anchor_targets(info, boxes, data.shape[2], data.shape[3], np.random.RandomState(draw.seed))
                   for (_, info, boxes), draw in zip(samples, draws)] if self.anchor_targets else []
        return (data, im_info, pad_boxes([s[2] for s in samples]), *(np.stack(t) for t in zip(*targets)))

    def _sample(self, draw):
        record = self.records[draw.index]
        boxes, classes = targets_of(record)
        return to_network(read_image(record), draw.short_edge, draw.long_edge, self.mean, self.std,
                          boxes, classes, draw.flip)


class TrainLoader:
    """Training batches in the order of a sampler.

    Parameters
    ----------
    records : the list that the sampler draws from.
    sampler : TrainSampler.
    anchor_targets : None, or a function of (im_info float32 (3,), gt_boxes float32 (m, 5), padded height, padded width,
        numpy RandomState) that returns a tuple of arrays, each of a shape that only the padded size decides. It runs in
        the workers: NumPy only.
    mean, std : RGB, see to_network.
    stride : the padded height and width are multiples of it.
    num_workers : processes that make batches; 0 makes them in this process. The batches are the same.
    timeout : seconds to wait for a batch from a worker.

    The workers start here, not at the first epoch: create the loader before the network runs.
    """

    def __init__(self, records, sampler, anchor_targets, mean, std=(1.0, 1.0, 1.0), stride=32, num_workers=0,
                 timeout=300):
        self.sampler = sampler
        self._workers = Workers(_Batches(records, mean, std, stride, anchor_targets), num_workers, timeout)

    def __len__(self):
        """Batches in an epoch."""
        return len(self.sampler)

    def epoch(self, epoch, start=0):
        """Batches of an epoch (counted from 0), from batch `start` on, as tuples of NumPy arrays.

        data float32 (N, 3, H, W); im_info float32 (N, 3): height, width, scale; gt_boxes float32 (N, M, 5) in the frame
        of `data`, class 1..C last, rows of -1 as padding; then what `anchor_targets` returned, stacked along N.
        """
        return self._workers.run(self.sampler.batches(epoch)[start:])


class TestLoader:
    """Test batches in the order of the records: (indices int (N,), data float32 (N, 3, H, W), im_info float32 (N, 3)).

    `short_edge` and `long_edge` in pixels; the last batch may be smaller; the rest as in TrainLoader.
    """

    def __init__(self, records, batch_size, short_edge, long_edge, mean, std=(1.0, 1.0, 1.0), stride=32, num_workers=0,
                 timeout=300):
        draws = [Draw(i, False, short_edge, long_edge, 0) for i in range(len(records))]
        self._batches = [draws[i:i + batch_size] for i in range(0, len(draws), batch_size)]
        self._workers = Workers(_Batches(records, mean, std, stride), num_workers, timeout)

    def __len__(self):
        """Batches in all."""
        return len(self._batches)

    def __iter__(self):
        for draws, (data, im_info, _) in zip(self._batches, self._workers.run(self._batches)):
            yield np.array([d.index for d in draws]), data, im_info
