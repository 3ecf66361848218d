"""A training is killed by SIGKILL at random moments, and resumed each time: it ends as an unbroken run.

A quarter of the moments is drawn from the start of the process, the others from its first step to a little after its
end would be: in a step, while a checkpoint is written or removed, in a test. Compared are parameters, optimizer states,
the best checkpoint, and all losses and tests, bit for bit. `python tests/torture/kills.py --times 100 --seed 1`.
"""
import random
import time
from pathlib import Path
from typing import Dict, List, Tuple

from trainings import Trial, arguments, leftovers, place


def run(folder: Path, times: int, seed: int, report=print) -> Dict[str, int]:
    """Kills `times` times; returns counts, and raises AssertionError where anything is lost but steps."""
    trial, draw = Trial(folder), random.Random(seed)
    began, process = time.monotonic(), trial.start("whole")
    trial.wait_for_step("whole", 1, process)
    first_step = time.monotonic()
    assert process.wait() == 0, trial.said("whole")
    seconds, expected = (first_step - began, time.monotonic() - first_step), trial.result("whole")
    counts = {"kills": 0, "before_a_step": 0, "steps_lost": 0, "most_steps_lost": 0, "trainings": 0}
    lost: List[int] = []
    try:
        while counts["kills"] < times:
            name = f"run{counts['trainings']}"
            _one_training(trial, name, draw, seconds, counts, lost, times)
            found = trial.result(name)
            assert found == expected, f"{name} differs in {[key for key in expected if found[key] != expected[key]]}"
            assert not leftovers(folder / name), leftovers(folder / name)
            assert "Traceback" not in trial.said(name) and "damaged" not in trial.said(name), trial.said(name)
            counts["trainings"] += 1
            report(f"{name} ended as the unbroken one, after {counts['kills']} kills altogether")
        assert trial.left_processes() == []
    finally:
        trial.kill_all()
    counts["steps_lost"], counts["most_steps_lost"] = sum(lost), max(lost, default=0)
    report(f"seed {seed}: {counts['kills']} kills in {counts['trainings']} trainings of {trial.steps * trial.epochs} "
           f"steps, {counts['before_a_step']} of them before a step was made; all ended with the weights, states, "
           f"best checkpoint and losses of an unbroken one. Lost: {counts['steps_lost']} steps, which were made again, "
           f"at most {counts['most_steps_lost']} at once; no process, no unfinished file")
    return counts


def _one_training(trial: Trial, name: str, draw: random.Random, seconds: Tuple[float, float], counts: Dict[str, int],
                  lost: List[int], times: int) -> None:
    """Trains to the end, with kills between."""
    while True:
        before = trial.steps_of(name)
        process = trial.start(name, "--resume-if-any")
        at_the_start = draw.random() < 0.25
        wait = draw.uniform(0, 1.1 * seconds[0] if at_the_start else 1.2 * seconds[1])
        if not at_the_start:
            trial.wait_for_another_step(name, before, process)
        until = time.monotonic() + (wait if counts["kills"] < times else 10 ** 6)
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        ended = process.poll()
        process.kill()
        process.wait()
        if ended is not None:
            assert ended == 0, trial.said(name)
            return
        counts["kills"] += 1
        assert trial.left_processes() == [], "processes outlive the one that was killed"
        reached, kept = trial.steps_of(name), _kept(trial, name)
        counts["before_a_step"] += reached <= before
        lost.append(max(reached - kept, 0))


def _kept(trial: Trial, name: str) -> int:
    """Returns the steps of the latest checkpoint; 0 where there is none."""
    return max((int(tag[4:]) if tag.startswith("step") else int(tag) * trial.steps
                for tag in trial.checkpoints(name) if tag != "best"), default=0)


if __name__ == "__main__":
    given = arguments(__doc__, times=100)
    with place(given.folder) as where:
        run(where, given.times, given.seed)
