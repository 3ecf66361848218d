"""The CPU kernels under AddressSanitizer and UndefinedBehaviorSanitizer, with random and hostile inputs."""
import os
import shutil
import subprocess

import pytest

from light_head_rcnn.operators.native import build

DRIVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sanitizers", "hostile.cc")
SANITIZERS = "-fsanitize=address,undefined,float-cast-overflow"

pytestmark = pytest.mark.slow  # to compile


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Path of the program that calls the kernels with such inputs."""
    if not shutil.which("g++"):
        pytest.skip("g++ is not there")
    program = tmp_path_factory.mktemp("sanitizers") / "hostile"
    subprocess.run(["g++", "-std=c++17", "-O0", "-g1", SANITIZERS, "-fno-sanitize-recover=all", "-fopenmp", "-Wall",
                    "-Wextra", "-ffp-contract=off", '-DLHRCNN_STAMP=""', "-I", build.FOLDER, DRIVER, "-o", str(program)]
                   + build.sources("cpu", ".cc"), check=True)
    return program


@pytest.mark.parametrize("seed", range(3))
def test_hostile_inputs(hostile, seed):
    run = subprocess.run([str(hostile), str(seed), "60"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         universal_newlines=True)
    assert (run.returncode, run.stdout) == (0, "60 rounds\n")
