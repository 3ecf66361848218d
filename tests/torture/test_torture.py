"""The torture of trainings in short: all faults in one training, which ends as an unbroken one.

With LHRCNN_TORTURE_ALL=1 in the environment each script of this folder runs in a short form of its own; docs/results.md
has the figures of their full forms.
"""
import os
import signal

import clock
import damage
import disks
import kills
import pytest
import rivals
import stops
from trainings import PREFIX, Trial, leftovers


def test_damage_of_a_small_checkpoint(tmp_path):
    said = []
    damage.run_small(tmp_path, 37, said.append)
    assert "all noticed" in said[0]


@pytest.mark.slow
def test_a_training_survives_all_of_it(tmp_path):
    """A rival, a kill, a bit that changes, a clock that jumps, a limit of the size of files, and a SIGTERM."""
    trial = Trial(tmp_path)
    assert trial.train("whole") == 0, trial.said("whole")
    jumping = {"PYTHONPATH": clock.write_clock(tmp_path, 1)}
    try:
        process = trial.start("run", env=jumping)
        trial.wait_for_step("run", trial.steps + 3, process)
        os.kill(process.pid, signal.SIGSTOP)
        assert trial.train("run", "--resume-if-any") == 2
        assert f"another process ({process.pid} on " in trial.said("run"), trial.said("run")
        process.kill()
        process.wait()
        assert trial.left_processes() == []
        files = set(tmp_path.glob(f"run/{PREFIX}-*.params")) - set(tmp_path.glob("run/*-best.params"))
        damage.flip(max(files, key=lambda file: file.stat().st_mtime), 5000)
        assert trial.train("run", "--resume", before=disks.limit_files) == 2
        assert "is damaged: " in trial.said("run") and f"; going on from {tmp_path}/run/{PREFIX}-" in trial.said("run")
        assert "File too large" in disks.last_error(trial, "run")
        process = trial.start("run", "--resume", env=jumping)
        trial.wait_for_another_step("run", trial.steps_of("run"), process)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143, trial.said("run")
        assert trial.train("run", "--resume") == 0, trial.said("run")
        assert trial.result("run") == trial.result("whole") and not leftovers(tmp_path / "run")
        assert trial.left_processes() == []
    finally:
        trial.kill_all()


@pytest.mark.slow
@pytest.mark.skipif("LHRCNN_TORTURE_ALL" not in os.environ, reason="minutes; LHRCNN_TORTURE_ALL=1 runs it")
@pytest.mark.parametrize("script, options", [
    (kills.run, (2, 1)), (stops.run, (2, 1)), (damage.run_trained, (2, 1)), (rivals.run, (1,)), (clock.run, (1,)),
    (disks.run, ())], ids=["kills", "stops", "damage", "rivals", "clock", "disks"])
def test_one_script(tmp_path, script, options):
    said = []
    script(tmp_path, *options, report=said.append)
    assert said
