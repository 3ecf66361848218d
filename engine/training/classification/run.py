"""The training of a classifier, from the start or from a checkpoint."""
import logging
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import mxnet as mx
import numpy as np

from ....data.classification import (ClassifiedSet, ClassifierTestLoader, ClassifierTrainLoader, TestView, TrainView,
                                     matched_sets)
from ....errors import TrainingError, UsageError
from ....gluon_models.classifier import check_side, get_classifier
from ...building.initialization import NEW_LAYER_STD
from ...checkpoints.checkpoint_files import read_checkpoint
from ...checkpoints.choosing import best_checkpoint, latest_checkpoint
from ...checkpoints.parameters import own_parameters
from ...config import pixel_keys
from ...files import write_json
from ...reporting.scalars import read_scalars
from ..checkpoint_hooks import BestHook, CheckpointHook
from ..hook import Hook
from ..hooks import LOSSES_FILE, LogHook, ScalarsHook, TestHook, UnreadableHook, is_test_figure
from ..resuming import find_to_resume
from ..run_record import RunRecord
from ..stopping import SignalHook
from ..surroundings import describe_process
from ..trainer import Trainer
from .accuracy import Accuracy, test_classifier
from .objective import ClassifierObjective
from .recipe import PIXELS, Recipe

METRIC = "top1"  # decides which checkpoint is the best
RESULT_FILE = "result.json"


class Place(NamedTuple):
    """Where and how a training runs; nothing of it changes the losses but the number of devices.

    Attributes:
        folder: takes checkpoints, logs and the result.
        contexts: devices, which share each batch.
        num_workers: processes that read images; 0 reads them in this process.
        log_every: steps between two log lines.
        keep: how many of the last epochs keep their checkpoints; 0 keeps all. The best one always stays.
        save_every_minutes: minutes between two checkpoints inside an epoch; 0 writes none there.
    """

    folder: str
    contexts: Sequence[mx.Context] = (mx.cpu(),)
    num_workers: int = 0
    log_every: int = 50
    keep: int = 2
    save_every_minutes: float = 0

    def check(self) -> None:
        """Raises UsageError for a number that cannot be used; it names the option of the command."""
        for name, number, least in (("--workers", self.num_workers, 0), ("--log-every", self.log_every, 1),
                                    ("--keep", self.keep, 0), ("--save-every-minutes", self.save_every_minutes, 0)):
            if not number >= least:
                raise UsageError(f"{name} is {number}; it must be at least {least}")


class ClassifierRun:
    """Trains a backbone as a classifier. No file is written before `run`.

    Args:
        backbone: one of `gluon_models.backbone_names()`.
        train_set: images to train on.
        test_set: images to test on after each epoch; its classes are the same.
        recipe: how it is trained.
        place: where.
        logger: takes the log lines.
        resume: go on from the last checkpoint in the folder that is whole, with the losses of an unbroken run.
        resume_if_any: go on as with `resume` where there is a checkpoint, and start anew otherwise.

    Attributes:
        net: the network.
        trainer: `Trainer`.
        test: the last `Accuracy`; None before the first test.
        before_checkpoint: see `TrainingRun`.

    Raises:
        UsageError: the recipe cannot be used with these images or devices.
        TrainingError: there are checkpoints of an earlier run and none is to be resumed, or they are of another recipe
            or of other data; or one is to be resumed and there is none.
    """

    def __init__(self, backbone: str, train_set: ClassifiedSet, test_set: ClassifiedSet, recipe: Recipe, place: Place,
                 logger: logging.Logger, resume: bool = False, resume_if_any: bool = False):
        recipe.check()
        train_set, test_set = matched_sets(train_set, test_set)
        if recipe.batch_size % len(place.contexts):
            raise UsageError(f"--batch-size is {recipe.batch_size}; the {len(place.contexts)} devices must be able to "
                             "share it in equal parts")
        self._backbone, self._recipe, self._place, self._logger = backbone, recipe, place, logger
        self._prefix = str(Path(place.folder) / backbone)
        self.test: Optional[Accuracy] = None
        self._sets = {"train": train_set, "test": test_set}
        self.before_checkpoint: Callable[[], None] = lambda: None
        found = find_to_resume(self._prefix, logger, resume, resume_if_any, "--out FOLDER")
        for one in self._sets.values():
            logger.info("%s", one.summary())
        self.net = get_classifier(backbone, train_set.classes)
        check_side(self.net, recipe.side)
        mx.random.seed(recipe.seed)
        self.net.initialize(mx.init.MSRAPrelu(factor_type="in", slope=0), ctx=list(place.contexts))
        self.net.classifier[-1].initialize(mx.init.Normal(NEW_LAYER_STD), ctx=list(place.contexts), force_reinit=True)
        parameters = own_parameters(self.net)
        count = sum(parameter.data(place.contexts[0]).size for parameter in parameters.values()
                    if parameter.grad_req != "null")
        logger.info("%s with %d classes: %.2fM parameters", backbone, len(train_set.classes), count / 1e6)
        view = TrainView(recipe.side, recipe.least_area, recipe.flip, recipe.color_jitter)
        loader = ClassifierTrainLoader(train_set.images, recipe.batch_size, view, recipe.seed, place.num_workers)
        self._test_loader = ClassifierTestLoader(test_set.images, recipe.batch_size, TestView(recipe.side),
                                                 place.num_workers)
        self._facts = {"backbone": backbone, "recipe": recipe.as_dict(), "devices": len(place.contexts),
                       "images": len(train_set.images), "settings": pixel_keys(*PIXELS),
                       "fingerprints": {name: one.fingerprint() for name, one in self._sets.items()}}
        self.trainer = Trainer(ClassifierObjective(self.net, recipe.label_smoothing), loader,
                               recipe.optimizer(parameters), recipe.rates(len(loader)), epochs=recipe.epochs,
                               contexts=place.contexts, seed=recipe.seed)
        # A test in the trained network itself would change its next losses in the last digits: oneDNN brings weights
        # to another layout when they are first used without a backward pass, at a moment that depends on the threads.
        self._tested_net = get_classifier(backbone, train_set.classes)
        self._tested_net.initialize(ctx=list(place.contexts))
        self._tested_net.hybridize()
        if found:
            self._go_on(found)

    @property
    def failures(self) -> List[str]:
        """What is wrong with each image that could not be read."""
        unread = {**self.trainer.loader.unreadable, **({} if self.test is None else self.test.unread)}
        return list(unread.values())

    def run(self) -> Optional[Accuracy]:
        """Trains to the end, with a test after each epoch, and writes the result.

        Returns:
            The last test. Where a signal ended the training, the attribute `exit_status` of the trainer is not 0, and
            no result is written.
        """
        sets = {name: {"source": one.source, "images": len(one.images),
                       "images_per_class": dict(zip(one.classes, one.counts()))} for name, one in self._sets.items()}
        record = RunRecord(Path(self._place.folder), {"backbone": self._backbone, **self._recipe.as_dict()},
                           {**describe_process(), "devices": list(map(str, self._place.contexts))}, sets)
        with record:
            return self._run(record)

    def _run(self, record: RunRecord) -> Optional[Accuracy]:
        owed = self._is_test_owed()
        if self.trainer.step >= self.trainer.total:
            self._logger.info("all %d epochs are trained already", self._recipe.epochs)
        if self.trainer.step >= self.trainer.total and not owed:
            self._test("test")
        else:
            self.trainer.hooks = self._hooks(owed)
            self.trainer.hooks.insert(2, record)  # after the hook that writes losses.jsonl, and before the test
            self.trainer.run()
        if not self.trainer.exit_status:
            self._write_result()
        return self.test

    def best_file(self) -> str:
        """Returns the parameter file with which a detector starts: that of the best test, or the last."""
        return (best_checkpoint(self._prefix) or latest_checkpoint(self._prefix)) + ".params"

    def _go_on(self, found: str) -> None:
        state = read_checkpoint(found)
        changed = self._recipe.differences(state.get("recipe", {}))
        changed += [f"{name}: {state.get(name)} in the checkpoint, {value} now" for name, value in (
            ("devices", len(self._place.contexts)), ("images", len(self._sets["train"].images)),
            ("classes", list(self.net.classes))) if state.get(name) != value]
        # A checkpoint of an earlier version has no fingerprints; they are not compared.
        changed += [f"the set to {name} on, {one.source}: its files or their classes are others than in the checkpoint"
                    for name, one in self._sets.items()
                    if state.get("fingerprints", self._facts["fingerprints"])[name] != one.fingerprint()]
        if changed:
            raise TrainingError(f"the checkpoint {found} was trained otherwise:\n  " + "\n  ".join(changed)
                                + "\nSet these back, or name another folder by --out")
        self.trainer.step = state["step"]
        self.trainer.objective.load_checkpoint(found, self.trainer.optimizer)
        self._logger.info("resuming from %s, step %d of %d", found, self.trainer.step, self.trainer.total)

    def _is_test_owed(self) -> bool:
        """True where the training that is gone on with was stopped in the test after its last epoch."""
        step, path = self.trainer.step, Path(self._place.folder) / LOSSES_FILE
        if not step or step % self.trainer.steps_per_epoch or not path.is_file():
            return False
        return not any(line["step"] == step and any(map(is_test_figure, line)) for line in read_scalars(path))

    def _hooks(self, test_is_owed: bool) -> List[Hook]:
        place, logger = self._place, self._logger
        return [SignalHook(), ScalarsHook(Path(place.folder)), LogHook(logger, place.log_every),
                UnreadableHook(self.trainer.loader, logger),
                CheckpointHook(self._prefix, logger, self._facts, keep=place.keep,
                               before_write=lambda: self.before_checkpoint(), every_minutes=place.save_every_minutes),
                TestHook(self._test, every=1, is_owed=test_is_owed), BestHook(self._prefix, METRIC, logger)]

    def _test(self, _: str) -> Dict[str, float]:
        arrays = self.trainer.objective.parameters()
        for name, parameter in own_parameters(self._tested_net).items():
            parameter.set_data(arrays[name])
        self.test = test_classifier(self._tested_net, self.net.classes, self._test_loader, self._place.contexts)
        self._logger.info("epoch %d: top-1 %.4f, top-5 %.4f, mean over the classes %.4f, of %d images",
                          self.trainer.epoch, *self.test[:3], self.test.images)
        for message in self.test.unread.values():
            self._logger.warning("%s; it does not count in the test", message)
        return self.test.metrics()

    def _write_result(self) -> None:
        best = best_checkpoint(self._prefix)
        state: Dict[str, Any] = read_checkpoint(best) if best else {}
        speeds = [line["images_per_second"] for line in read_scalars(Path(self._place.folder) / LOSSES_FILE)
                  if "images_per_second" in line]
        write_json(Path(self._place.folder) / RESULT_FILE, {
            **self._facts, "classes": list(self.net.classes), "file": self.best_file(),
            "best": {"epoch": state.get("epoch"), **state.get("test", {})},
            "last": {"epoch": self.trainer.epoch, **self.test.metrics(), "by_class": self.test.classes},
            "test_images": self.test.images, "images_per_second": float(np.median(speeds)),
            "minutes_without_tests": sum(self._recipe.batch_size / speed for speed in speeds) / 60,
            "unread": self.failures})
