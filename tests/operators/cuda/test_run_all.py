"""tests/gpu/run_all.sh without a GPU, and its way through all steps with stand-ins for the programs that it calls."""
import json
import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "gpu" / "run_all.sh"
# Plays Python: a question that matches MISSING is answered by no, and the step that FAILS or HANGS names does so.
PYTHON = """#!/bin/bash
step=none
case "$*" in
  "-c import "*) [[ -z "$MISSING" || "$*" != *$MISSING* ]]; exit ;;
  *"build.py --standalone"*) step=build ;;
  *"-m pytest"*|*run_cases*) step=tests ;;
  *benchmark*) step=benchmark; echo '{"rows": []}' > "${@: -1}" ;;
esac
echo "stand-in for: $*; LHRCNN_CUDA=$LHRCNN_CUDA"
[ "$step" = "$HANGS" ] && sleep 60
[ "$step" != "$FAILS" ]
"""


@pytest.fixture
def run_all(tmp_path):
    """Function that runs the script with stand-ins and returns the exit status, its output and the files in OUT."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, content in (("python", PYTHON), ("nvcc", "#!/bin/sh\n"), ("g++", "#!/bin/sh\n"),
                          ("nvidia-smi", "#!/bin/sh\necho one GPU\n")):
        (programs / name).write_text(content)
        (programs / name).chmod(0o755)

    def run(**environment):
        defaults = dict(PATH=f"{programs}:{os.environ['PATH']}", PYTHON="python", OUT=str(tmp_path / "out"), MISSING="",
                        FAILS="", HANGS="")
        done = subprocess.run(["bash", str(SCRIPT)], env=dict(os.environ, **dict(defaults, **environment)), timeout=50,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        out = tmp_path / "out"
        return done.returncode, done.stdout, {path.name: path.read_text() for path in out.glob("*")}

    return run


def statuses(files):
    """The exit status of each step in summary.json."""
    return {step["step"]: step["status"] for step in json.loads(files["summary.json"])["steps"]}


def test_is_a_script_that_bash_reads():
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


@pytest.mark.parametrize("environment, message", [
    ({"PYTHON": "no-such-python"}, "no-such-python was not found; name a Python in the variable PYTHON."),
    ({"MISSING": "numpy"}, "python has no NumPy."),
    ({"MISSING": "import?torch"}, "python has no PyTorch."),
    ({"MISSING": "is_available"}, "PyTorch sees no GPU on this machine."),
    ({"NVCC": "no-such-nvcc -x"}, "no-such-nvcc was not found; install the CUDA toolkit or name the compiler in NVCC."),
    ({"CXX": "no-such-cxx"}, "no-such-cxx was not found; install g++ or name another compiler in CXX."),
])
def test_what_the_machine_lacks_is_named_and_nothing_is_run(run_all, environment, message):
    status, output, files = run_all(**environment)
    assert (status, output, files) == (2, f"run_all.sh: {message} Nothing was run.\n", {})


def test_all_steps_succeed(run_all):
    status, _, files = run_all()
    assert status == 0 and statuses(files) == {"build": 0, "tests": 0, "benchmark": 0}
    assert set(files) == {"machine.txt", "build.log", "tests.log", "benchmark.log", "benchmark.json", "summary.json"}
    assert "one GPU" in files["machine.txt"]
    assert "build.py --standalone" in files["build.log"] and "LHRCNN_CUDA=1" in files["build.log"]
    assert "-m pytest -q -rs -p no:cacheprovider tests/gpu" in files["tests.log"]


def test_without_pytest_the_checks_run_alone(run_all):
    status, output, files = run_all(MISSING="pytest")
    assert status == 0 and "run_cases.py" in files["tests.log"] and "pip install pytest" in output


def test_after_a_failed_build_nothing_else_runs(run_all):
    status, _, files = run_all(FAILS="build")
    assert status == 1 and statuses(files) == {"build": 1}


def test_after_failed_tests_the_benchmark_still_runs(run_all):
    status, _, files = run_all(FAILS="tests")
    assert status == 1 and statuses(files) == {"build": 0, "tests": 1, "benchmark": 0}


def test_a_step_that_hangs_is_stopped(run_all):
    status, _, files = run_all(HANGS="benchmark", BENCHMARK_SECONDS="1")
    assert status == 1 and statuses(files) == {"build": 0, "tests": 0, "benchmark": 124}
    assert "benchmark was stopped at its limit of 1 seconds" in files["benchmark.log"]


def test_results_go_to_a_new_folder_by_default(run_all, tmp_path):
    _, output, _ = run_all(OUT="", TMPDIR=str(tmp_path))
    folder = Path(output.splitlines()[-1].replace("== results are in ", ""))
    assert folder.parent == tmp_path and (folder / "summary.json").exists()
