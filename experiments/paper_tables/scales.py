"""The rows at a smaller scale: what is laid over a row's configuration so that it trains in minutes."""
import re
from typing import NamedTuple

from ...errors import ConfigError, UsageError
from ...gluon_models import model_options
from ...engine.config import file_values, load_config, overlay_text, test_scales, text_values, training_keys
from .rows import CFGS, ROWS, SMALL, row_file


class Scale(NamedTuple):
    """A smaller data set.

    file: name of the YAML file in `rows.CFGS` that is laid over a row's.
    pixels: factor of all sizes in pixels, those of images and of anchors.
    data: what it is, words.
    """

    file: str
    pixels: float
    data: str


SCALES = {
    "shapes": Scale("scale_shapes.yaml", 0.16, "Shapes, hard style: 10 classes, figures of 10 to 48 pixels"),
    "bccd": Scale("scale_bccd.yaml", 0.36, "BCCD: photographs of blood cells, 3 classes"),
}
_BACKBONE = re.compile(r"(_s)?_(resnet\d+_v1|xception)_(coco|voc)$")


class Run(NamedTuple):
    """One training, or a test of what another one trained.

    key: "row/seed".
    text: of the configuration's YAML file.
    weights: key of the run whose weights are tested; its own where it trains.
    """

    key: str
    row: str
    seed: int
    text: str
    weights: str


def small_model(name):
    """The model with the same neck and head on the Xception-like backbone."""
    return _BACKBONE.sub("_xception_coco", name)


def small_values(cfg, scale, overrides=()):
    """What is laid over a row's configuration: dict by key.

    Args:
        cfg: the row's configuration.
        scale: of `SCALES`.
        overrides: KEY VALUE pairs laid over that.
    """
    model = small_model(cfg.network.model)

    def smaller(pairs):
        return tuple(tuple(int(round(side * scale.pixels)) for side in pair) for pair in pairs)

    values = file_values(CFGS / scale.file)
    values.update({
        "network.model": model,
        "SCALES": smaller([cfg.SCALES])[0],
        "TRAIN.SCALES": smaller(cfg.TRAIN.SCALES),
        "TEST.SCALES": smaller(test_scales(cfg)),
        "network.ANCHOR_SCALES": tuple(round(size * scale.pixels, 4) for size in cfg.network.ANCHOR_SCALES),
    })
    if not cfg.TRAIN.ENABLE_OHEM:
        values["TRAIN.BATCH_ROIS"] = values["TRAIN.BATCH_ROIS_OHEM"]
    if "canonical_side" in model_options(model):
        values["network.FPN_CANONICAL_SIDE"] = int(round(cfg.network.FPN_CANONICAL_SIDE * scale.pixels))
    values.update(text_values(overrides))
    return values


def plan(rows, scale_name, seeds, folder, overrides=()):
    """The runs of some rows, those that train first.

    Rows that train alike are trained once: the others test its weights.

    Args:
        rows: names.
        seeds: how many runs of each row, seeds from 0.
        folder: Path that takes one folder a run.
        overrides: KEY VALUE pairs for all of them.

    Returns:
        runs, a list, and the names of rows that have no smaller form of their own.
    """
    if seeds < 1:
        raise UsageError("--seeds is %d; it must be at least 1" % seeds)
    if len(overrides) % 2:
        raise UsageError("overrides come in pairs KEY VALUE, but these are %d words: %s"
                           % (len(overrides), " ".join(overrides)))
    scale, runs, missing, trained = SCALES[scale_name], [], [], {}
    for row in rows:
        path = row_file(row)
        if row not in SMALL:
            missing.append(row)
            continue
        values = small_values(load_config(path), scale, overrides)
        for seed in range(seeds):
            key = "%s/%d" % (row, seed)
            own = dict(values, seed=seed, output_path=str(folder / row / ("seed_%d" % seed)))
            own["TRAIN.model_prefix"] = row
            text = "# %s, at the scale of %s, seed %d.\n" % (ROWS[row], scale_name, seed)
            text += overlay_text(path, own)
            weights = trained.setdefault(_training(path, own), key)
            runs.append(Run(key, row, seed, text, weights))
    return sorted(runs, key=lambda run: run.weights != run.key), missing


def _training(path, values):
    """A text that is the same for runs that train alike."""
    flat = dict(values)
    pairs = [word for key in sorted(flat) for word in (key, flat[key])]
    try:
        return repr(training_keys(load_config(path, pairs)))
    except ConfigError as error:
        raise UsageError("%s at a smaller scale: %s" % (path, error)) from None
