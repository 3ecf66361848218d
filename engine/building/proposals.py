"""Builds the proposals from outside that a configuration names, for the images of a data set."""
import hashlib
from typing import Sequence

import numpy as np
from yacs.config import CfgNode

from ... import data
from ...data.proposals import ProposalSet, load_proposals
from ...errors import ConfigError, DataError

_ADVICE = "lhrcnn proposals --method selective_search --cfg FILE finds them, and prints the lines to use them"


def build_proposals(cfg: CfgNode, dataset: data.Dataset, limit: int) -> ProposalSet:
    """Reads the files of proposals of `dataset.proposal_files` for the images of a data set.

    Args:
        cfg: its keys `dataset.proposal` and `dataset.proposal_files` are read.
        dataset: the images.
        limit: the largest number of boxes of an image, `TRAIN.PROPOSALS` or `TEST.PROPOSALS`.

    Returns:
        ProposalSet with an entry of every image of the data set.

    Raises:
        ConfigError: `dataset.proposal` is not file, or no files are named.
        DataError: images have no entry, or a file cannot be used, see `load_proposals`.
    """
    if cfg.dataset.proposal != "file":
        raise ConfigError(f"dataset.proposal is {cfg.dataset.proposal}, but this network takes proposals from files: "
                          f"set it to file, and dataset.proposal_files to the files. {_ADVICE}")
    if not cfg.dataset.proposal_files:
        raise ConfigError("dataset.proposal is file, but dataset.proposal_files names no file of proposals. "
                          f"{_ADVICE}")
    found = load_proposals(cfg.dataset.proposal_files, dataset.records, limit)
    missing = found.missing(dataset.records)
    if missing:
        raise DataError(f"{' and '.join(found.files)}: {len(missing)} of the {len(dataset.records)} images of "
                        f"{dataset.name} have no entry, such as {missing[0].path}. {_ADVICE}")
    return found


def proposals_checksum(records: Sequence[data.Record], proposals: ProposalSet) -> str:
    """Returns a checksum of the boxes of images in their order, which depends neither on paths nor on names of files.

    Args:
        records: the images.
        proposals: has an entry of each of them.
    """
    digest = hashlib.blake2b(digest_size=16)
    for record in records:
        boxes = proposals.of(record)
        digest.update(f"{len(boxes)} ".encode())
        digest.update(np.ascontiguousarray(boxes))
    return digest.hexdigest()
