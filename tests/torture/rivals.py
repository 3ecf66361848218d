"""Two trainings that are started into one folder: one of them trains, the other says which process works there.

Then the first one is killed, its lock with it, and the next one goes on. `python tests/torture/rivals.py --times 10`.
"""
from pathlib import Path

from trainings import Trial, arguments, place


def run(folder: Path, times: int, report=print) -> None:
    """Tries `times` times; raises AssertionError where both train, or none."""
    trial = Trial(folder)
    assert trial.train("whole") == 0, trial.said("whole")
    expected = trial.result("whole")
    for number in range(times):
        name = f"run{number}"
        first, second = trial.start(name, "--resume-if-any"), trial.start(name, "--resume-if-any")
        pair = {first.pid: first, second.pid: second}
        refused = next(one for one in _first_to_end(pair.values()))
        winner = second if refused is first else first
        said = trial.said(name)
        assert refused.returncode == 2 and f"another process ({winner.pid} on " in said, said
        trial.wait_for_step(name, 3, winner)
        winner.kill()
        winner.wait()
        assert trial.train(name, "--resume-if-any") == 0, trial.said(name)
        assert trial.result(name) == expected
        assert not (trial.folder / name / ".lock").exists()
    report(f"two trainings into one folder, {times} times: the second one refuses and names the first; after the first "
           "is killed the next one goes on. Lost: the steps since the last checkpoint")


def _first_to_end(processes):
    while True:
        for process in processes:
            if process.poll() is not None:
                yield process


if __name__ == "__main__":
    given = arguments(__doc__, times=10)
    with place(given.folder) as where:
        run(where, given.times)
