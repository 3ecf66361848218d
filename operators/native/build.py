"""Compiles the native operators: ``python operators/native/build.py`` (``--help`` for the library without MXNet).

Needs only Python's standard library, g++ and the headers inside an installed MXNet wheel (MXNet is not imported); nvcc
too where the kernels for NVIDIA GPUs are wanted: ``LHRCNN_CUDA=1`` asks for them, ``LHRCNN_CUDA=0`` declines, and
otherwise they are built where the installed MXNet is a GPU build and nvcc is there.
"""
import argparse
import concurrent.futures
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.join(FOLDER, "liblhrcnn.so")
# One library has to run on any x86-64, and to round alike on all of them: no -march, no fused multiply-add.
FLAGS = ("-std=c++14", "-O3", "-ffp-contract=off", "-fPIC", "-fopenmp", "-fvisibility=hidden", "-Wall", "-Wextra")
# As on the CPU: no fused multiply-add, so that boxes overlap by the same numbers.
CUDA_FLAGS = ("-std=c++14", "-O3", "--fmad=false", "-Xcompiler", "-fPIC,-fvisibility=hidden,-Wall")
LOWEST_CAPABILITY = 50
STAMP = "lhrcnn-sources:"


class BuildError(RuntimeError):
    """The library cannot be built; the message says what is missing or what the compiler said."""


def sources(part, ending):
    """Absolute paths of the sources in the folder ``part`` (``"cpu"``, ``"cuda"``, ``"mxnet"``), in order."""
    folder = os.path.join(FOLDER, part)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(ending)]


def fingerprint():
    """Short hash of everything the library is made from in this folder: the sources and this file with its flags."""
    digest = hashlib.sha256()
    paths = [path for part in ("", "cpu", "cuda", "mxnet") for path in sources(part, (".cc", ".cu", ".h", ".cuh"))]
    for path in paths + [os.path.join(FOLDER, "build.py")]:
        with open(path, "rb") as file:
            digest.update(os.path.relpath(path, FOLDER).encode() + b"\0" + file.read() + b"\0")
    return digest.hexdigest()[:16]


def built_fingerprint(path=LIBRARY):
    """The fingerprint inside a built library, without loading it; None where there is no library or no fingerprint."""
    return _stamp(path)[0]


def has_cuda(path=LIBRARY):
    """True where the built library at ``path`` holds the kernels for GPUs."""
    return _stamp(path)[1] == "cuda"


def _stamp(path):
    try:
        with open(path, "rb") as file:
            found = re.search(STAMP.encode() + b"([0-9a-f]{16}):(cpu|cuda)", file.read())
    except FileNotFoundError:
        found = None
    return (found.group(1).decode(), found.group(2).decode()) if found else (None, None)


def mxnet_folder():
    """Folder of the installed MXNet, found without importing it."""
    spec = importlib.util.find_spec("mxnet")
    folder = os.path.dirname(spec.origin) if spec and spec.origin else None
    if folder is None or not os.path.exists(os.path.join(folder, "include", "mxnet", "lib_api.h")):
        raise BuildError("The native operators are built against the headers in the MXNet 1.9.1 wheel, which is not "
                         "installed for {}. Install it with: pip install mxnet==1.9.1".format(sys.executable))
    return folder


def nvcc():
    """The CUDA compiler, as a list of words (``NVCC`` in the environment is heeded); None where there is none."""
    words = shlex.split(os.environ.get("NVCC", "nvcc"))
    return words if words and shutil.which(words[0]) else None


def wants_cuda():
    """Whether to build the kernels for GPUs, see the top of this file. Raises BuildError where they cannot be."""
    wish = os.environ.get("LHRCNN_CUDA", "")
    if wish not in ("", "0", "1"):
        raise BuildError("LHRCNN_CUDA is '{}'; it must be 1, 0 or not set".format(wish))
    if wish == "1" and not nvcc():
        raise BuildError("LHRCNN_CUDA=1 asks for the kernels for GPUs, and nvcc is not there. Install the CUDA toolkit "
                         "or name the compiler in NVCC.")
    if wish or not _mxnet_is_for_gpus():
        return wish == "1"
    if not nvcc():
        print("nvcc is not there: the native operators are built for the CPU only")
    return nvcc() is not None


def _mxnet_is_for_gpus():
    return any((dist.metadata["Name"] or "").lower().replace("_", "-").startswith("mxnet-cu")
               for dist in importlib.metadata.distributions())


def gpu_code():
    """nvcc's options for machine code of every architecture that it knows from 5.0 on, and PTX for the highest."""
    listed = _run(nvcc() + ["--list-gpu-arch"])
    known = sorted(int(number) for number in re.findall(r"compute_(\d+)\s", listed + "\n"))
    known = [number for number in known if number >= LOWEST_CAPABILITY]
    if not known:
        raise BuildError("nvcc knows no architecture from compute_{} on:\n{}".format(LOWEST_CAPABILITY, listed))
    real = ["-gencode=arch=compute_{0},code=sm_{0}".format(number) for number in known]
    return real + ["-gencode=arch=compute_{0},code=compute_{0}".format(known[-1])]


def compile_calls(objects, mxnet, cuda):
    """The compiler calls, each a list, that make one object file a source in the folder ``objects``.

    ``CXX`` and ``CXXFLAGS`` in the environment are heeded, and ``NVCC`` and ``NVCCFLAGS``. `mxnet` and `cuda` say
    whether the registration with MXNet and the kernels for GPUs are in.
    """
    defines = ["-I", FOLDER, '-DLHRCNN_STAMP="{}{}:{}"'.format(STAMP, fingerprint(), "cuda" if cuda else "cpu")]
    cxx = shlex.split(os.environ.get("CXX", "g++")) + list(FLAGS) + shlex.split(os.environ.get("CXXFLAGS", ""))
    calls = [(cxx + defines, path) for path in sources("cpu", ".cc")]
    if mxnet:
        include = [word for name in ("include", "src") for word in ("-isystem", os.path.join(mxnet_folder(), name))]
        gpu = ["-DLHRCNN_WITH_CUDA"] if cuda else []
        calls += [(cxx + defines + include + gpu, path) for path in sources("mxnet", ".cc")]
    if cuda:
        flags = list(CUDA_FLAGS) + gpu_code() + shlex.split(os.environ.get("NVCCFLAGS", ""))
        calls += [(nvcc() + flags + defines, path) for path in sources("cuda", ".cu")]
    return [line + ["-c", path, "-o", os.path.join(objects, "{}.o".format(number))]
            for number, (line, path) in enumerate(calls)]


def link_call(objects, cuda, output):
    """The compiler call, a list, that makes one library of object files."""
    if cuda:
        return nvcc() + ["-shared", "-cudart", "static", "-Xcompiler", "-fopenmp"] + objects + ["-o", output]
    return (shlex.split(os.environ.get("CXX", "g++")) + ["-shared", "-fopenmp"]
            + shlex.split(os.environ.get("CXXFLAGS", "")) + objects + ["-o", output])


def build(path=LIBRARY, mxnet=True, cuda=None):
    """Builds a library where it is missing or stale and returns its path. Nothing half-written stays behind.

    Args:
        path: of the library.
        mxnet: with the registration of the operators in MXNet; else the kernels' C interface (kernels.h) alone.
        cuda: with the kernels for GPUs; None decides by `wants_cuda`.
    """
    cuda = wants_cuda() if cuda is None else cuda
    if _stamp(path) == (fingerprint(), "cuda" if cuda else "cpu"):
        return path
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path)), prefix="build_") as folder:
        calls = compile_calls(folder, mxnet, cuda)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            printed = list(pool.map(_run, calls))
        output = os.path.join(folder, "library.so")
        printed.append(_run(link_call([line[-1] for line in calls], cuda, output)))
        print("".join(printed), end="")
        os.chmod(output, 0o755)
        os.replace(output, path)
    return path


def _run(line):
    """Runs a compiler and returns what it printed."""
    try:
        run = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    except FileNotFoundError:
        raise BuildError("The native operators need a C++ compiler, and '{}' is not there. Install g++ (on Debian: "
                         "apt install g++) or name another one in CXX.".format(line[0])) from None
    if run.returncode:
        raise BuildError("Compiling the native operators failed:\n{}\n{}".format(
            " ".join(shlex.quote(part) for part in line), run.stdout))
    return run.stdout


def main():
    parser = argparse.ArgumentParser(description="Compiles the native operators where they are missing or stale.")
    parser.add_argument("--standalone", metavar="PATH", help="build the C interface of the kernels (kernels.h) alone, "
                        "without MXNet, as the library PATH")
    arguments = parser.parse_args()
    try:
        print(build(arguments.standalone, mxnet=False) if arguments.standalone else build())
    except BuildError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
