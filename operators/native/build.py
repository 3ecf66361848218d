"""Compiles the native operators: ``python operators/native/build.py`` (``--help`` for the library without MXNet).

This file also works as a script of its own, without the rest of the package, on Python 3.8 and later. It needs only
Python's standard library, g++ and the headers inside an installed MXNet wheel (MXNet is not imported).

The kernels for NVIDIA GPUs also need nvcc. They are built where the installed MXNet is a GPU build and nvcc is there;
``LHRCNN_CUDA=1`` in the environment demands them, and ``LHRCNN_CUDA=0`` leaves them out.
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
from typing import List, Optional, Sequence, Tuple, Union

FOLDER = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.join(FOLDER, "liblhrcnn.so")
# One library has to run on every processor of its kind, and to round alike on all of them: so there is no -march, and
# multiplications and additions are not fused.
FLAGS = ("-std=c++14", "-O3", "-ffp-contract=off", "-fPIC", "-fopenmp", "-fvisibility=hidden", "-Wall", "-Wextra")
# Multiplications and additions are not fused on the GPU either, so that it computes the same IoU of two boxes.
CUDA_FLAGS = ("-std=c++14", "-O3", "--fmad=false", "-Xcompiler", "-fPIC,-fvisibility=hidden,-Wall")
LOWEST_CAPABILITY = 50
STAMP = "lhrcnn-sources:"


class BuildError(RuntimeError):
    """The library cannot be built; the message says what is missing or what the compiler printed."""


def sources(part: str, endings: Union[str, Tuple[str, ...]]) -> List[str]:
    """Lists source files.

    Args:
        part: a folder beside this file: "cpu", "cuda", "mxnet" or "" for this one.
        endings: how the names end, such as ".cc".

    Returns:
        Absolute paths, in alphabetical order.
    """
    folder = os.path.join(FOLDER, part)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(endings)]


def fingerprint() -> str:
    """Returns a short hash of everything that the library is built from: the sources, and this file with its flags."""
    digest = hashlib.sha256()
    paths = [path for part in ("", "cpu", "cuda", "mxnet") for path in sources(part, (".cc", ".cu", ".h", ".cuh"))]
    for path in paths + [os.path.join(FOLDER, "build.py")]:
        with open(path, "rb") as file:
            digest.update(os.path.relpath(path, FOLDER).encode() + b"\0" + file.read() + b"\0")
    return digest.hexdigest()[:16]


def built_fingerprint(path: str = LIBRARY) -> Optional[str]:
    """Returns the fingerprint that a library was built with, without loading it; None if there is no such library."""
    return _read_stamp(path)[0]


def has_cuda(path: str = LIBRARY) -> bool:
    """Returns whether a built library holds the kernels for GPUs."""
    return _read_stamp(path)[1] == "cuda"


def _read_stamp(path: str) -> Tuple[Optional[str], Optional[str]]:
    """Returns the fingerprint and "cpu" or "cuda" from the stamp inside a library, or None for both."""
    try:
        with open(path, "rb") as file:
            found = re.search(STAMP.encode() + b"([0-9a-f]{16}):(cpu|cuda)", file.read())
    except FileNotFoundError:
        found = None
    return (found.group(1).decode(), found.group(2).decode()) if found else (None, None)


def mxnet_folder() -> str:
    """Returns the folder of the installed MXNet, which is found without importing it.

    Raises:
        BuildError: MXNet is not installed, or its headers are missing.
    """
    spec = importlib.util.find_spec("mxnet")
    folder = os.path.dirname(spec.origin) if spec and spec.origin else None
    if folder is None or not os.path.exists(os.path.join(folder, "include", "mxnet", "lib_api.h")):
        raise BuildError(f"The native operators are built against the headers in the MXNet 1.9.1 wheel, which is not "
                         f"installed for {sys.executable}. Install it with: pip install mxnet==1.9.1")
    return folder


def gpu_mxnet() -> Optional[str]:
    """Returns the name of the installed GPU build of MXNet, such as "mxnet-cu112"; None if there is none."""
    names = ((dist.metadata["Name"] or "").lower().replace("_", "-") for dist in importlib.metadata.distributions())
    return next((name for name in names if name.startswith("mxnet-cu")), None)


def nvcc() -> Optional[List[str]]:
    """Returns the CUDA compiler as the words of a command line; None if it is not there.

    The environment variable ``NVCC`` may name another compiler than ``nvcc``.
    """
    words = shlex.split(os.environ.get("NVCC", "nvcc"))
    return words if words and shutil.which(words[0]) else None


def wants_cuda() -> bool:
    """Returns whether the kernels for GPUs are to be built; the rules are at the top of this file.

    Raises:
        BuildError: ``LHRCNN_CUDA`` has a wrong value, or demands the kernels and nvcc is not there.
    """
    demand = os.environ.get("LHRCNN_CUDA", "")
    if demand not in ("", "0", "1"):
        raise BuildError(f"LHRCNN_CUDA is '{demand}'; it must be 1, 0 or not set")
    if demand == "1" and not nvcc():
        raise BuildError("LHRCNN_CUDA=1 demands the kernels for GPUs, but nvcc was not found. Install the CUDA "
                         "toolkit, or name the compiler in the environment variable NVCC.")
    if demand or gpu_mxnet() is None:
        return demand == "1"
    if not nvcc():
        print("nvcc was not found: the native operators are built for the CPU only")
    return nvcc() is not None


def gpu_code() -> List[str]:
    """Returns nvcc's options for machine code of every architecture that it knows from 5.0 on, and PTX of the highest.

    Raises:
        BuildError: nvcc knows no such architecture.
    """
    listed = _run(nvcc() + ["--list-gpu-arch"])
    known = sorted(int(number) for number in re.findall(r"compute_(\d+)\s", listed + "\n"))
    known = [number for number in known if number >= LOWEST_CAPABILITY]
    if not known:
        raise BuildError(f"nvcc knows no architecture from compute_{LOWEST_CAPABILITY} on:\n{listed}")
    machine_code = [f"-gencode=arch=compute_{number},code=sm_{number}" for number in known]
    return machine_code + [f"-gencode=arch=compute_{known[-1]},code=compute_{known[-1]}"]


def compile_commands(objects: str, mxnet: bool, cuda: bool) -> List[List[str]]:
    """Returns one compiler command for each source file.

    The environment variables ``CXX``, ``CXXFLAGS``, ``NVCC`` and ``NVCCFLAGS`` change compilers and add options.

    Args:
        objects: folder of the object files.
        mxnet: compile the registration with MXNet too.
        cuda: compile the kernels for GPUs too.

    Returns:
        Commands as lists of words; the last word is the path of the object file.
    """
    stamp = f"{STAMP}{fingerprint()}:{'cuda' if cuda else 'cpu'}"
    defines = ["-I", FOLDER, f'-DLHRCNN_STAMP="{stamp}"']
    cxx = shlex.split(os.environ.get("CXX", "g++")) + list(FLAGS) + shlex.split(os.environ.get("CXXFLAGS", ""))
    calls = [(cxx + defines, path) for path in sources("cpu", ".cc")]
    if mxnet:
        include = [word for name in ("include", "src") for word in ("-isystem", os.path.join(mxnet_folder(), name))]
        gpu = ["-DLHRCNN_WITH_CUDA"] if cuda else []
        calls += [(cxx + defines + include + gpu, path) for path in sources("mxnet", ".cc")]
    if cuda:
        flags = list(CUDA_FLAGS) + gpu_code() + shlex.split(os.environ.get("NVCCFLAGS", ""))
        calls += [(nvcc() + flags + defines, path) for path in sources("cuda", ".cu")]
    return [words + ["-c", path, "-o", os.path.join(objects, f"{number}.o")]
            for number, (words, path) in enumerate(calls)]


def link_command(objects: Sequence[str], cuda: bool, output: str) -> List[str]:
    """Returns the compiler command that links object files into the library `output`."""
    if cuda:
        return nvcc() + ["-shared", "-cudart", "static", "-Xcompiler", "-fopenmp", *objects, "-o", output]
    return (shlex.split(os.environ.get("CXX", "g++")) + ["-shared", "-fopenmp"]
            + shlex.split(os.environ.get("CXXFLAGS", "")) + [*objects, "-o", output])


def build(path: str = LIBRARY, mxnet: bool = True, cuda: Optional[bool] = None) -> str:
    """Builds a library, unless it is there already and was built from the same sources.

    The library is put into its place only when it is complete.

    Args:
        path: of the library.
        mxnet: register the operators with MXNet; otherwise the library has the C interface of kernels.h only.
        cuda: build the kernels for GPUs; None lets `wants_cuda` decide.

    Returns:
        The path of the library.

    Raises:
        BuildError: something that the build needs is missing, or a compiler failed.
    """
    if not sys.platform.startswith("linux"):
        raise BuildError(f"The native operators are built for Linux only (x86-64 and aarch64), and this is "
                         f"{sys.platform}. On macOS use a Linux container, on Windows WSL 2. Detectors that were "
                         f"exported on Linux run anywhere: they need neither MXNet nor these operators.")
    cuda = wants_cuda() if cuda is None else cuda
    if _read_stamp(path) == (fingerprint(), "cuda" if cuda else "cpu"):
        return path
    target = os.path.dirname(os.path.abspath(path))
    try:
        folder = tempfile.mkdtemp(dir=target, prefix="build_")
    except OSError as error:
        raise BuildError(f"The native operators are built inside {target}, where nothing can be written ({error}). "
                         f"Build them as the user who installed the package, or install it into an environment of "
                         f"your own.") from None
    try:
        commands = compile_commands(folder, mxnet, cuda)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            printed = list(pool.map(_run, commands))
        output = os.path.join(folder, "library.so")
        printed.append(_run(link_command([words[-1] for words in commands], cuda, output)))
        print("".join(printed), end="")
        os.chmod(output, 0o755)
        os.replace(output, path)
    finally:
        shutil.rmtree(folder)
    return path


def _run(words: Sequence[str]) -> str:
    """Runs a compiler and returns what it printed."""
    try:
        run = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    except FileNotFoundError:
        raise BuildError(f"The native operators need a C++ compiler, and '{words[0]}' was not found. Install g++ (on "
                         f"Debian: apt install g++), or name another compiler in the environment variable CXX."
                         ) from None
    if run.returncode:
        command = " ".join(shlex.quote(word) for word in words)
        raise BuildError(f"Compiling the native operators failed:\n{command}\n{run.stdout}")
    return run.stdout


def main() -> None:
    """Builds the library that the command line asks for and prints its path."""
    parser = argparse.ArgumentParser(
        description="Compiles the native operators, unless that is done already. LHRCNN_CUDA=1 in "
                    "the environment demands the kernels for NVIDIA GPUs, LHRCNN_CUDA=0 leaves them out.")
    parser.add_argument("--standalone", metavar="PATH", help="build only the C interface of the kernels (kernels.h), "
                        "without MXNet, as the library PATH")
    arguments = parser.parse_args()
    try:
        print(build(arguments.standalone, mxnet=False) if arguments.standalone else build())
    except BuildError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
