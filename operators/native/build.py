"""Compiles the native operators into one library beside their sources: ``python operators/native/build.py``.

Needs only Python's standard library, g++ and the headers inside an installed MXNet wheel (MXNet is not imported).
"""
import hashlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.join(FOLDER, "liblhrcnn.so")
# One library has to run on any x86-64, and to round alike on all of them: no -march, no fused multiply-add.
FLAGS = ("-std=c++11", "-O3", "-ffp-contract=off", "-fPIC", "-shared", "-fopenmp", "-fvisibility=hidden",
         "-Wall", "-Wextra")
STAMP = "lhrcnn-sources:"


class BuildError(RuntimeError):
    """The library cannot be built; the message says what is missing or what the compiler said."""


def sources(endings=(".cc", ".h")):
    """Absolute paths of the native sources, in order."""
    return [os.path.join(FOLDER, name) for name in sorted(os.listdir(FOLDER)) if name.endswith(endings)]


def fingerprint():
    """Short hash of everything the library is made from in this folder: the sources and this file with its flags."""
    digest = hashlib.sha256()
    for path in sources((".cc", ".h", "build.py")):
        with open(path, "rb") as file:
            digest.update(os.path.basename(path).encode() + b"\0" + file.read() + b"\0")
    return digest.hexdigest()[:16]


def built_fingerprint(path=LIBRARY):
    """The fingerprint inside a built library, without loading it; None where there is no library or no fingerprint."""
    try:
        with open(path, "rb") as file:
            found = re.search(STAMP.encode() + b"([0-9a-f]{16})", file.read())
    except FileNotFoundError:
        return None
    return found.group(1).decode() if found else None


def mxnet_folder():
    """Folder of the installed MXNet, found without importing it."""
    spec = importlib.util.find_spec("mxnet")
    folder = os.path.dirname(spec.origin) if spec and spec.origin else None
    if folder is None or not os.path.exists(os.path.join(folder, "include", "mxnet", "lib_api.h")):
        raise BuildError("The native operators are built against the headers in the MXNet 1.9.1 wheel, which is not "
                         "installed for {}. Install it with: pip install mxnet==1.9.1".format(sys.executable))
    return folder


def command(output):
    """The compiler call, as a list. ``CXX`` and ``CXXFLAGS`` in the environment are heeded."""
    mxnet = mxnet_folder()
    return (shlex.split(os.environ.get("CXX", "g++")) + list(FLAGS) + shlex.split(os.environ.get("CXXFLAGS", ""))
            + ['-DLHRCNN_STAMP="{}{}"'.format(STAMP, fingerprint())]
            + ["-isystem", os.path.join(mxnet, "include"), "-isystem", os.path.join(mxnet, "src")]
            + sources((".cc",)) + ["-o", output])


def build(force=False):
    """Builds the library where it is missing or stale and returns its path. Nothing half-written stays behind."""
    if not force and built_fingerprint() == fingerprint():
        return LIBRARY
    handle, temporary = tempfile.mkstemp(suffix=".so", dir=FOLDER)
    os.close(handle)
    try:
        line = command(temporary)
        try:
            run = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        except FileNotFoundError:
            raise BuildError("The native operators need a C++ compiler, and '{}' is not there. Install g++ (on Debian: "
                             "apt install g++) or name another one in CXX.".format(line[0])) from None
        if run.returncode:
            raise BuildError("Compiling the native operators failed:\n{}\n{}".format(
                " ".join(shlex.quote(part) for part in line), run.stdout))
        if run.stdout:
            print(run.stdout, end="")
        os.chmod(temporary, 0o755)
        os.replace(temporary, LIBRARY)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
    return LIBRARY


if __name__ == "__main__":
    try:
        print(build())
    except BuildError as error:
        sys.exit(str(error))
