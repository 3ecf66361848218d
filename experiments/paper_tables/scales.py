"""The rows at a smaller scale: what is laid over a row's configuration so that it trains in minutes."""
import re
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from yacs.config import CfgNode

from ...engine.config import file_values, load_config, overlay_text, test_scales, training_keys
from ...errors import ConfigError, UsageError
from ...gluon_models import model_options
from .rows import CFGS, ROWS, SMALL, row_file
from ..runs.configurations import own_keys_refused


class Scale(NamedTuple):
    """A smaller data set.

    Attributes:
        file: name of the YAML file in `rows.CFGS` that is laid over a row's.
        pixels: factor of all sizes in pixels, those of images and of anchors.
        data: what the data set is, in words.
    """

    file: str
    pixels: float
    data: str


SCALES = {
    "shapes": Scale("scale_shapes.yaml", 0.16, "Shapes, hard style: 10 classes, figures of 10 to 48 pixels"),
    "bccd": Scale("scale_bccd.yaml", 0.36, "BCCD: photographs of blood cells, 3 classes"),
}
# What each run has for itself.
_OWN_KEYS = ("seed", "output_path", "TRAIN.model_prefix")
_BACKBONE = re.compile(r"(_s)?_(resnet\d+_v1|xception)_(coco|voc)$")


class Run(NamedTuple):
    """One training with its test, or only a test of what another run has trained.

    Attributes:
        key: "row/seed".
        row, seed: the parts of the key.
        text: of the configuration's YAML file.
        weights: key of the run whose weights are tested; its own where it trains.
    """

    key: str
    row: str
    seed: int
    text: str
    weights: str

    @property
    def trains(self) -> bool:
        """Whether it trains weights of its own."""
        return self.weights == self.key


def small_model(name: str) -> str:
    """Returns the name of the model with the same neck and head on the Xception-like backbone."""
    return _BACKBONE.sub("_xception_coco", name)


def small_values(cfg: CfgNode, scale: Scale, changes: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns what is laid over a row's configuration, by key.

    Args:
        cfg: the row's configuration.
        scale: of `SCALES`.
        changes: what the user lays over that, by key.
    """
    model = small_model(cfg.network.model)

    def shrink(sizes: Iterable[Sequence[int]]) -> Tuple[Tuple[int, ...], ...]:
        return tuple(tuple(int(round(side * scale.pixels)) for side in size) for size in sizes)

    values = file_values(CFGS / scale.file)
    values.update({
        "network.model": model,
        "SCALES": shrink([cfg.SCALES])[0],
        "TRAIN.SCALES": shrink(cfg.TRAIN.SCALES),
        "TEST.SCALES": shrink(test_scales(cfg)),
        "network.ANCHOR_SCALES": tuple(round(size * scale.pixels, 4) for size in cfg.network.ANCHOR_SCALES),
    })
    if not cfg.TRAIN.ENABLE_OHEM:
        values["TRAIN.BATCH_ROIS"] = values["TRAIN.BATCH_ROIS_OHEM"]
    if "canonical_side" in model_options(model):
        values["network.FPN_CANONICAL_SIDE"] = int(round(cfg.network.FPN_CANONICAL_SIDE * scale.pixels))
    values.update(changes)
    return values


def plan_runs(rows: Sequence[str], scale_name: str, seeds: int, folder: Path,
              overrides: Sequence[str] = ()) -> Tuple[List[Run], List[str]]:
    """Plans the runs of some rows.

    Rows whose trainings are the same are trained once: the others test its weights.

    Args:
        rows: names.
        scale_name: of `SCALES`.
        seeds: how many runs of each row; their seeds count from 0.
        folder: takes one folder a run.
        overrides: words KEY VALUE or KEY=VALUE for all of them.

    Returns:
        The runs, those that train first, and the names of the rows that have no smaller form.

    Raises:
        UsageError: a value is not possible at this scale, an override sets what each run has of its own, or `seeds` is
            less than 1.
        ConfigError: an override has an unknown key or a wrong value.
    """
    if seeds < 1:
        raise UsageError(f"--seeds is {seeds}; it must be at least 1")
    scale = SCALES[scale_name]
    changes = own_keys_refused(overrides, _OWN_KEYS, "--seeds says how many seeds, and --work names the folder")
    runs: List[Run] = []
    missing: List[str] = []
    trained: Dict[str, str] = {}
    for row in rows:
        path = row_file(row)
        if row not in SMALL:
            missing.append(row)
            continue
        values = small_values(load_config(path), scale, changes)
        for seed in range(seeds):
            key = f"{row}/{seed}"
            own = dict(values, seed=seed, output_path=str(folder / row / f"seed_{seed}"))
            own["TRAIN.model_prefix"] = row
            text = f"# {ROWS[row]}, at the scale of {scale_name}, seed {seed}.\n" + overlay_text(path, own)
            weights = trained.setdefault(_training_text(path, own), key)
            runs.append(Run(key, row, seed, text, weights))
    return sorted(runs, key=lambda run: not run.trains), missing


def _training_text(path: Path, values: Mapping[str, Any]) -> str:
    """Returns a text that is the same for runs whose trainings are the same."""
    try:
        return repr(training_keys(load_config(path, values)))
    except ConfigError as error:
        raise UsageError(f"{path} at a smaller scale: {error}") from None
