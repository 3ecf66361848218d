"""The runs of a study: one for each data set, row and seed, each with a configuration that stands on its own."""
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ...engine.checkpoints.checkpoint_files import epoch_tag
from ...engine.checkpoints.choosing import latest_checkpoint
from ...engine.config import (checkpoint_prefix, file_values, load_config, load_with_sources, saved_config,
                              values_text)
from ...engine.files import atomic_write
from ...errors import ConfigError, UsageError
from ..runs.configurations import changed_values, differences, mixed_lines, own_keys_refused
from ..runs.state import State
from .proposals import proposal_entries
from .study import TRAIN, DataSet, Row, Study

CONFIGURATION = "run.yaml"
# What a run has beside its row: one checkpoint is enough to go on from.
_OWN = {"TRAIN.KEEP_CHECKPOINTS": 1}
_OWN_KEYS = (*_OWN, "seed", "output_path", "TRAIN.model_prefix")
# Where the data lie. A state whose runs come from several machines may have several such places.
_PLACE_OF_DATA = "dataset.dataset_path"
# Where a value comes from that nothing has set.
_NOT_SET = ("default", "counted")


class Run(NamedTuple):
    """One training with its tests.

    Attributes:
        data_set, row, seed: what it is of.
        text: of its configuration's YAML file, which inherits from none.
        folder: takes its files.
        test_on: see `study.DataSet`.
        kind: see `study.Row`.
        source: the key of the run whose last checkpoint this one begins with; None for none.
        overrides: the words that were laid over what all rows share.
    """

    data_set: str
    row: str
    seed: int
    text: str
    folder: Path
    test_on: Optional[str]
    kind: str = TRAIN
    source: Optional[str] = None
    overrides: Sequence[str] = ()

    @property
    def key(self) -> str:
        """The run in the state, "data set/row/seed"."""
        return f"{self.data_set}/{self.row}/{self.seed}"

    @property
    def pair(self) -> str:
        """The runs that take equally long, "data set/row"."""
        return f"{self.data_set}/{self.row}"

    @property
    def file(self) -> Path:
        """The file of its configuration."""
        return self.folder / CONFIGURATION

    @property
    def source_file(self) -> Path:
        """The file of the configuration of its source."""
        _, row, _ = str(self.source).split("/")
        return self.folder.parents[1] / row / self.folder.name / CONFIGURATION


def plan_runs(study: Study, data_sets: Sequence[str], rows: Sequence[str], seeds: int, data: Path, folder: Path,
              overrides: Sequence[str] = ()) -> List[Run]:
    """Plans the runs of a study, those of seed 0 first: soon there is something to see of every row.

    Values are laid over each other in this order: the base, those of the study, of the data set, `overrides`, and of
    the row. So an override changes what all rows share, and nothing in which a row differs on purpose.

    Args:
        study: from `study.read_study`.
        data_sets, rows: names of those to run.
        seeds: how many runs of each; their seeds count from 0.
        data: folder that holds a folder of each data set.
        folder: takes the runs.
        overrides: words KEY VALUE or KEY=VALUE.

    Raises:
        UsageError: a configuration is not possible, and the message names the row; or an override sets what each run
            has of its own.
        ConfigError: an override has an unknown key or a wrong value.
    """
    if seeds < 1:
        raise UsageError(f"--seeds is {seeds}; it must be at least 1")
    changes = own_keys_refused(overrides, _OWN_KEYS, "--seeds says how many seeds, and --out names the folder")
    base, runs = file_values(study.base), []
    for seed in range(seeds):
        for name in data_sets:
            of_set = study.data_sets[name]
            for row in rows:
                entry, own_folder = study.rows[row], _folder(folder, name, row, seed)
                values = {**base, **study.values, _PLACE_OF_DATA: str(data / name), **of_set.values, **changes,
                          **entry.values, **_OWN, "seed": seed, "output_path": str(own_folder),
                          "TRAIN.model_prefix": row}
                if study.proposals is not None:
                    values.update(proposal_entries(study.proposals, values, folder))
                if entry.source is not None and entry.kind == TRAIN:
                    values["network.pretrained"] = _last_weights(study, entry, values, _folder(
                        folder, name, entry.source, seed))
                title = f"{study.title}: {entry.label}, {of_set.label}, seed {seed}."
                text = _text(values, f"{name}, row {row}", title)
                runs.append(Run(name, row, seed, text, own_folder, of_set.test_on, entry.kind,
                                None if entry.source is None else f"{name}/{entry.source}/{seed}",
                                tuple(overrides)))
    return runs


def plan_done(study: Study, state: State, data: Path, folder: Path, overrides: Sequence[str] = ()) -> List[Run]:
    """Plans anew those runs of a study of which a state has results; the arguments are those of `plan_runs`."""
    found = []
    for name in study.data_sets:
        seeds = {row: _seeds_done(state, f"{name}/{row}/") for row in study.rows}
        rows = [row for row in study.rows if seeds[row]]
        if rows:
            most = 1 + max(max(seeds[row]) for row in rows)
            found += [run for run in plan_runs(study, [name], rows, most, data, folder, overrides)
                      if run.seed in seeds[run.row]]
    return found


def write_configuration(run: Run) -> None:
    """Writes the file of a run's configuration."""
    with atomic_write(run.file) as temporary:
        Path(temporary).write_text(run.text, encoding="utf-8")


def check_data(data_sets: Sequence[DataSet], data: Path) -> None:
    """Checks that the data sets are there.

    Raises:
        UsageError: a folder is missing.
    """
    if not data.is_dir():
        raise UsageError(f"there is no folder {data}: name the one that holds the data sets by --data")
    missing = [one.name for one in data_sets if not (data / one.name).exists()]
    if missing:
        raise UsageError(f"{data} has no folder {', '.join(missing)}: name the folder that holds the data sets by "
                         "--data, or choose some of them by --datasets")


def refuse_changed_runs(runs: Sequence[Run], state: State, others: Sequence[Run] = ()) -> None:
    """Checks that what has been done, or begun, was done with the same configurations as now.

    Args:
        runs: what is to be done.
        state: the results.
        others: from `plan_done`. They stand on the same page; their data sets, where they are not those of `runs`, may
            lie in another folder.

    Raises:
        UsageError: a run has another one; its results cannot stand beside the others.
    """
    names = {run.data_set for run in runs}
    for run in {run.key: run for run in (*runs, *others)}.values():
        done = state.get(run.key)
        text = done["configuration"] if done else _begun_text(run)
        changed = differences(text, run.text, () if run.data_set in names else [_PLACE_OF_DATA]) if text else []
        if changed:
            raise UsageError(f"run {run.key} was {'done' if done else 'begun'} with another configuration than now "
                             f"({'; '.join(changed)}): choose another folder by --out, or remove {run.folder} "
                             f"and its entry in {state.path}")


def recorded_overrides(study: Study, state: State) -> List[str]:
    """Returns the overrides that the runs of a study were done with."""
    results = (state.get(f"{name}/{row}/{seed}") for name in study.data_sets for row in study.rows
               for seed in _seeds_done(state, f"{name}/{row}/"))
    # An earlier version kept those of the last call for all of them.
    return next((result["overrides"] for result in results if "overrides" in result), state.get("overrides") or [])


def mixed_runs(study: Study, state: State) -> Dict[str, List[str]]:
    """Returns for each data set in what its runs differ although they should not, in words; see
    `configurations.mixed_lines`."""
    runs = plan_done(study, state, Path("DATA"), state.path.parent, recorded_overrides(study, state))
    return {name: mixed_lines(changed_values(
        [(run.row, state.get(run.key)["configuration"], run.text, _own_keys(study, run)) for run in runs
         if run.data_set == name], [_PLACE_OF_DATA, "dataset.proposal_files"])) for name in study.data_sets}


def _own_keys(study: Study, run: Run) -> List[str]:
    """Returns the keys in which the row of a run differs on purpose."""
    begins = ["network.pretrained"] if run.source is not None and run.kind == TRAIN else []
    return [*study.rows[run.row].values, *begins]


def _seeds_done(state: State, start: str) -> List[int]:
    """Returns the seeds of the runs "data set/row/" that have been done."""
    return sorted(int(key[len(start):]) for key in state.keys() if key.startswith(start) and state.get(key))


def _folder(folder: Path, data_set: str, row: str, seed: int) -> Path:
    return folder / data_set / row / f"seed_{seed}"


def _last_weights(study: Study, row: Row, values: Mapping[str, Any], folder: Path) -> str:
    """Returns the file of parameters that the training of a row's source ends with."""
    epochs = {**values, **study.rows[row.source].values}["TRAIN.end_epoch"]
    return str(folder / f"{row.source}-{epoch_tag(epochs)}.params")


def _text(values: Mapping[str, Any], place: str, title: str) -> str:
    try:
        cfg, sources = load_with_sources(None, dict(values))
    except ConfigError as error:
        raise UsageError(f"{place}: {error}") from None
    set_values = {key: value for key, value in saved_config(cfg).items() if sources[key] not in _NOT_SET}
    return values_text(set_values, title)


def _begun_text(run: Run) -> Optional[str]:
    """Returns the configuration of a run that has a checkpoint, else None."""
    if not run.file.is_file() or latest_checkpoint(checkpoint_prefix(load_config(run.file))) is None:
        return None
    return run.file.read_text(encoding="utf-8")
