"""The CUDA sources compiled by nvcc, if it is there: for every architecture, and into a library that MXNet loads."""
import collections
import os
import re
import struct
import subprocess
import sys

import pytest

from light_head_rcnn.operators.native import build

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not build.nvcc(), reason="nvcc is not there")]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library with the GPU kernels and the registration with MXNet.

    Its machine code is that of the lowest and the highest architecture: no kernel asks for the architecture, and all
    twelve take minutes. Little of the code is optimized, which takes long too.
    """
    options = build.gpu_code()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "gpu_code", lambda: [options[0], *options[-2:]])
        patch.setenv("NVCCFLAGS", "-Xptxas -O0")
        patch.setenv("CXXFLAGS", "-O0")
        return build.build(str(tmp_path_factory.mktemp("cuda") / "liblhrcnn.so"), mxnet=True, cuda=True)


def architectures():
    """The numbers of all architectures that nvcc knows."""
    listed = subprocess.check_output(build.nvcc() + ["--list-gpu-arch"], universal_newlines=True)
    return [int(number) for number in re.findall(r"compute_(\d+)", listed) if int(number) >= 50]


def machine_code(path):
    """Counts the pieces of GPU code in a library, by kind ("ptx" or "elf") and then by the number of the architecture.

    The library holds "fat binaries": a header of 16 bytes (magic number, version, 16, size), then an entry for each
    piece of code, with its kind, the size of its own header, its size and, at byte 28, its architecture.
    """
    with open(path, "rb") as file:
        content = file.read()
    found = {"ptx": collections.Counter(), "elf": collections.Counter()}
    for match in re.finditer(re.escape(struct.pack("<IHH", 0xBA55ED50, 1, 16)), content):
        entry = match.end() + 8
        end = entry + struct.unpack_from("<Q", content, match.end())[0]
        while entry < end:
            kind, _, head_size, size = struct.unpack_from("<HHIQ", content, entry)
            found["ptx" if kind == 1 else "elf"][struct.unpack_from("<I", content, entry + 28)[0]] += 1
            entry += head_size + size
    return found


def test_code_of_a_library(library):
    known, found = architectures(), machine_code(library)
    kernels = [path for path in build.sources("cuda", ".cu") if "__global__" in open(path).read()]
    assert set(found["elf"]) == {min(known), max(known)} and min(found["elf"].values()) >= len(kernels)
    assert set(found["ptx"]) == {max(known)} and found["ptx"][max(known)] >= len(kernels)
    assert build.has_cuda(library)


def test_code_for_every_architecture_that_nvcc_knows(tmp_path):
    """One file with kernels is compiled for all of them, with the command that builds it for the library."""
    assert not [path for path in build.sources("cuda", (".cu", ".cuh")) if "__CUDA_ARCH__" in open(path).read()]
    command = next(words for words in build.compile_commands(str(tmp_path), mxnet=False, cuda=True)
                   if os.path.basename(words[-3]) == "nms.cu")
    subprocess.run(command, check=True)
    found, known = machine_code(command[-1]), architectures()
    assert set(found["elf"]) == set(known) and set(found["ptx"]) == {max(known)}


def test_exports_the_c_interface_and_nothing_else(library):
    listed = subprocess.check_output(["nm", "-D", "--defined-only", library], universal_newlines=True)
    names = {line.split()[2] for line in listed.splitlines() if line.split()[1] in "TDBR"}
    ours = {name for name in names if "lhrcnn" in name}
    with open(os.path.join(build.FOLDER, "kernels.h")) as file:
        declared = set(re.findall(r"lhrcnn_\w+(?=\()", file.read()))
    assert ours == declared | {"lhrcnn_stamp"}
    assert not [name for name in names if "cuda" in name and name not in declared]  # CUDA's runtime stays inside


SCRIPT = """
import sys
import light_head_rcnn
import mxnet as mx
from mxnet import autograd, nd

mx.library.load(sys.argv[1], verbose=False)
data, rois = nd.random.uniform(shape=(1, 8, 9, 9)), nd.array([[0, 1, 1, 6, 7]])
options = dict(output_dim=2, pooled_size=2, spatial_scale=1)
for name in ("ps_roi_align", "ps_roi_pool"):
    data.attach_grad()
    with autograd.record():
        output = getattr(nd, name)(data, rois, **options)
    output.backward()
    assert output.shape == (1, 2, 2, 2) and output.asnumpy().all() and data.grad.sum().asscalar() > 0
for arrays, says in (((data.astype("float16"), rois), "data must be float32 or float64 on the CPU"),
                     ((data.astype("float16"), rois.astype("float16")), "rois must be float32")):
    try:
        nd.ps_roi_align(*arrays, **options).asnumpy()
    except mx.MXNetError as error:
        assert says in str(error), str(error)
    else:
        raise AssertionError(says)
print("works")
"""


def test_mxnet_for_the_cpu_loads_and_runs_it(library):
    run = subprocess.run([sys.executable, "-c", SCRIPT, library], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         universal_newlines=True)
    assert run.stdout.endswith("works\n") and run.returncode == 0, run.stdout
