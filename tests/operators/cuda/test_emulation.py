"""The CUDA sources, compiled by g++ for an emulator of CUDA's threads, against the CPU's kernels.

This shows that the kernels are right as programs: their indices, barriers and the order of results. What only a GPU can
show is tested in tests/gpu.
"""
import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from light_head_rcnn.operators.native import build

HERE = Path(__file__).parent
EMULATOR = HERE / "emulator"
SANITIZERS = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
ORDERS = {"forward": 0, "reversed": 1, "random": 2}

interface, cases = None, None
for name in ("interface", "cases"):
    spec = importlib.util.spec_from_file_location(name, HERE / (name + ".py"))
    globals()[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(globals()[name])


def emulated(library, sources, flags=()):
    """Compiles .cu files and the emulator of CUDA into a library."""
    if not shutil.which("g++"):
        pytest.skip("g++ is not there")
    subprocess.run(["g++", "-std=c++17", "-Og", "-g1", "-ffp-contract=off", "-fPIC", "-shared", "-fvisibility=hidden",
                    "-Wall", "-Wextra", "-Werror", *flags, "-I", EMULATOR, "-I", build.FOLDER,
                    "-I", os.path.join(build.FOLDER, "cuda"), "-x", "c++", *sources, EMULATOR / "emulator.cc",
                    "-o", library], check=True)
    return library


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    library = emulated(tmp_path_factory.mktemp("emulated") / "emulated.so", build.sources("cuda", ".cu"))
    return cases.Pair(interface.Kernels(build.LIBRARY), interface.Kernels(library, interface.HostDevice), exact=True)


@pytest.mark.parametrize("seed", range(18))
@pytest.mark.parametrize("check", cases.CHECKS)
def test_same_as_on_the_cpu(pair, check, seed):
    # Devices with much, little and next to no shared memory, and few and many processors.
    shared, processors = (228, 48, 1)[seed // 3 % 3] << 10, (1, 132)[seed // 9 % 2]
    pair.device.library.emulator_configure(seed % 3, shared, processors)
    check(pair, seed)


def test_empty_inputs(pair):
    pair.device.library.emulator_configure(0, 48 << 10, 4)
    cases.check_empty_inputs(pair)


def test_every_function_is_emulated(pair):
    names = re.findall(r"lhrcnn_cuda_\w+(?=\()", Path(build.FOLDER, "kernels.h").read_text())
    assert len(names) == 23
    assert all(hasattr(pair.device.library, name) for name in names)


@pytest.mark.slow
def test_no_memory_error_under_sanitizers(tmp_path):
    library = emulated(tmp_path / "sanitized.so", build.sources("cuda", ".cu"), SANITIZERS)
    runtimes = [subprocess.check_output(["g++", "-print-file-name=" + name], text=True).strip()
                for name in ("libasan.so", "libubsan.so")]
    # PYTHONMALLOC makes every array an allocation of its own, with memory around it that must not be touched.
    environment = dict(os.environ, LD_PRELOAD=" ".join(runtimes), ASAN_OPTIONS="detect_leaks=0", PYTHONMALLOC="malloc",
                       OMP_NUM_THREADS="1")
    run = subprocess.run([sys.executable, HERE / "run_cases.py", build.LIBRARY, library, "host", "100", "5"],
                         env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert run.returncode == 0, run.stdout[-3000:]
    assert run.stdout.count("check_") == 5 * len(cases.CHECKS)


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    return ctypes.CDLL(str(emulated(tmp_path_factory.mktemp("faults") / "faults.so", [EMULATOR / "faults.cu"])))


def test_the_emulator_shows_a_missing_barrier(faults):
    right = (np.arange(32) + 1) % 32
    values = np.empty(32, np.float32)
    results = {}
    for order, number in ORDERS.items():
        faults.emulator_configure(number, 48 << 10, 1)
        for wait in (0, 1):
            assert faults.shift(values.ctypes.data_as(ctypes.c_void_p), wait) == 0
            results[order, wait] = np.array_equal(values, right)
    assert all(results[order, 1] for order in ORDERS)
    assert not any(results[order, 0] for order in ORDERS)


def test_the_emulator_reports_what_cuda_leaves_undefined(faults):
    launch_failure, invalid_value = 719, 1
    assert [faults.wait_partly(count) for count in (0, 32, 1)] == [0, 0, launch_failure]
    assert faults.wait_apart() == launch_failure
    assert [faults.overrun(elements) for elements in (3, 4)] == [0, launch_failure]
    assert [faults.use_shared(size) for size in (48 << 10, (48 << 10) + 1)] == [0, invalid_value]


def test_halves_of_the_emulator(tmp_path):
    source = tmp_path / "halves.cu"
    source.write_text('#include <cuda_fp16.h>\nextern "C" __attribute__((visibility("default"))) void halves('
                      'const float* in, __half* out, float* back, int n) {\n  for (int i = 0; i < n; ++i) {\n'
                      '    out[i] = __float2half_rn(in[i]);\n    back[i] = __half2float(out[i]);\n  }\n}\n')
    library = ctypes.CDLL(str(emulated(tmp_path / "halves.so", [source])))
    every = np.sort(np.arange(1 << 16, dtype=np.uint16).view(np.float16)).astype(np.float32)
    finite = every[np.isfinite(every)]
    ties = (finite[:-1] + finite[1:]) / 2
    numbers = np.concatenate([every, ties, ties * np.float32(1 + 1e-6), np.float32([1e9, -1e9, 65519, 65520])])
    halves, back = np.empty(numbers.shape, np.float16), np.empty(numbers.shape, np.float32)
    library.halves(*(array.ctypes.data_as(ctypes.c_void_p) for array in (numbers, halves, back)), len(numbers))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(halves, numbers.astype(np.float16))
    np.testing.assert_array_equal(back, halves.astype(np.float32))
