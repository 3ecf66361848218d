"""What a training epoch is made of, drawn ahead, so that nothing random is left to the workers."""
from typing import NamedTuple

import numpy as np

GROUPS = ("wide", "tall")


class Draw(NamedTuple):
    """One image of a batch: its record, how it is changed, and the seed of whatever is random in its targets."""

    index: int  # position in the list of records
    flip: bool
    short_edge: int  # pixels
    long_edge: int  # pixels
    seed: int  # below 2**32


class TrainSampler:
    """Batches of draws; those of an epoch depend on the seed and the epoch alone.

    Parameters
    ----------
    records : list of Record.
    batch_size : images in a batch. Every batch is full: the last one of a group takes images of the group again.
    scales : list of (shorter edge, longest edge) in pixels; one is drawn for each batch.
    flip : mirror each image with probability one half, drawn anew every epoch.
    shuffle : False keeps the order of the records within each group, and the groups one after the other.
    group_by_aspect : batches hold images that are all at least as wide as high, or all higher than wide, so that
        little is padded.
    seed : whole number, at least 0.
    """

    def __init__(self, records, batch_size, scales, flip=True, shuffle=True, group_by_aspect=True, seed=0):
        if not records:
            raise ValueError("records: a sampler needs at least one record")
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        self.scales = [(int(short), int(long)) for short, long in scales]
        if not self.scales or not all(0 < short <= long for short, long in self.scales):
            raise ValueError(f"scales is {scales}; it must hold pairs of shorter edge <= longest edge, in pixels")
        self.batch_size, self.flip, self.shuffle, self.seed = batch_size, flip, shuffle, seed
        tall = np.array([group_by_aspect and r.height > r.width for r in records])
        self._groups = [g for g in (np.flatnonzero(~tall), np.flatnonzero(tall)) if len(g)]

    def __len__(self):
        """Batches in an epoch."""
        return sum(-(-len(group) // self.batch_size) for group in self._groups)

    def batches(self, epoch):
        """All batches of an epoch (counted from 0), a list of lists of Draw. A slice of it resumes in mid-epoch."""
        # RandomState's streams are frozen: the same in every NumPy.
        rng = np.random.RandomState([self.seed, epoch])
        rows = []
        for group in self._groups:
            order = rng.permutation(group) if self.shuffle else group
            full = -(-len(order) // self.batch_size) * self.batch_size
            rows.extend(np.resize(order, full).reshape(-1, self.batch_size))
        if self.shuffle:
            rows = [rows[i] for i in rng.permutation(len(rows))]
        batches = []
        for row in rows:
            short, long = self.scales[rng.randint(len(self.scales))]
            flips = rng.rand(self.batch_size) < 0.5
            seeds = rng.randint(0, 2 ** 32, self.batch_size, dtype=np.uint32)
            batches.append([Draw(int(i), bool(self.flip and f), short, long, int(s))
                            for i, f, s in zip(row, flips, seeds)])
        return batches
