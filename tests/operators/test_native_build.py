"""The build of the native library: once, without a compiler, without MXNet, on other systems and other processors."""
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from light_head_rcnn.operators.native import build

CROSS_COMPILER = "aarch64-linux-gnu-g++"
NATIVE = Path(build.FOLDER)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The build module of a copy of the native folder without a library, compiling without optimisation."""
    folder = tmp_path / "native"
    shutil.copytree(build.FOLDER, folder, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    spec = importlib.util.spec_from_file_location("build_copy", folder / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("CXXFLAGS", "-O0")
    return module


@pytest.mark.slow
def test_builds_once_and_again_when_a_source_changes(copy, capsys):
    assert copy.built_fingerprint() is None
    assert copy.build() == copy.LIBRARY
    assert copy.built_fingerprint() == copy.fingerprint() == build.fingerprint()
    assert capsys.readouterr().out == ""  # no warnings
    before = os.stat(copy.LIBRARY)
    copy.build()
    assert os.stat(copy.LIBRARY).st_mtime_ns == before.st_mtime_ns
    with open(os.path.join(copy.FOLDER, "geometry.h"), "a") as file:
        file.write("// changed\n")
    assert copy.built_fingerprint() != copy.fingerprint()


def test_failed_compilation_leaves_nothing(copy):
    files = set(os.listdir(copy.FOLDER))
    with open(os.path.join(copy.FOLDER, "cpu", "ps_roi_align.cc"), "a") as file:
        file.write("this is not C++\n")
    with pytest.raises(copy.BuildError, match="Compiling the native operators failed"):
        copy.build()
    assert set(os.listdir(copy.FOLDER)) == files


def test_no_compiler(copy, monkeypatch):
    files = set(os.listdir(copy.FOLDER))
    monkeypatch.setenv("CXX", "no-such-compiler -x")
    with pytest.raises(copy.BuildError, match="'no-such-compiler' was not found. Install g\\+\\+"):
        copy.build()
    assert set(os.listdir(copy.FOLDER)) == files


def test_no_mxnet_to_build_against(copy, monkeypatch):
    monkeypatch.setattr(copy.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(copy.BuildError, match="pip install mxnet==1.9.1"):
        copy.build()


def test_a_folder_that_cannot_be_written(copy, monkeypatch):
    """As the site-packages of the system are for a user; this may run as root, who may write anywhere."""
    def refuse(**options):
        raise PermissionError(13, "Permission denied")
    monkeypatch.setattr(copy.tempfile, "mkdtemp", refuse)
    with pytest.raises(copy.BuildError, match="where nothing can be written .*Permission denied"):
        copy.build()


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_get_a_message(copy, monkeypatch, platform):
    monkeypatch.setattr(copy.sys, "platform", platform)
    with pytest.raises(copy.BuildError, match=f"built for Linux only .* this is {platform}"):
        copy.build()


@pytest.mark.slow
def test_the_script_runs_on_python_3_8_without_the_package(tmp_path):
    """Only the standard library is there: `-I -S` leaves out site-packages and the folder of the checkout."""
    candidates = [shutil.which("python3.8"), *map(str, Path.home().glob(".pyenv/versions/3.8.*/bin/python"))]
    # pyenv has stand-ins for its versions, which fail where another version is chosen.
    usable = [path for path in candidates if path and not subprocess.call([path, "-c", ""], stderr=subprocess.DEVNULL)]
    if not usable:
        pytest.skip("Python 3.8 is not there")
    shutil.copytree(build.FOLDER, tmp_path / "native", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    output = subprocess.check_output(
        [usable[0], "-I", "-S", str(tmp_path / "native" / "build.py"), "--standalone", str(tmp_path / "kernels.so")],
        env=dict(os.environ, CXXFLAGS="-O0", LHRCNN_CUDA="0"), universal_newlines=True)
    assert output == f"{tmp_path / 'kernels.so'}\n" and build.built_fingerprint(output.strip()) == build.fingerprint()


# ---- Other processors ------------------------------------------------------------------------------------------------

X86_ONLY = re.compile(r"#\s*include\s*<(\w*intrin|cpuid|x86\w*)\.h>|\b_mm\d*_\w+|target\(\"|"
                      r"__builtin_cpu_\w+|__builtin_ia32_\w+")


def unguarded(source):
    """Lines of a C++ source that only an x86-64 compiler takes, outside of every `#if` for x86-64."""
    guards, found = [], []
    for number, line in enumerate(source.splitlines(), 1):
        directive = re.match(r"\s*#\s*(if|elif|else|endif)\w*", line)
        if directive:
            kind = directive.group(1)
            if kind == "if":
                guards.append("__x86_64__" in line)
            elif kind == "endif":
                guards.pop()
            else:
                guards[-1] = kind == "elif" and "__x86_64__" in line
        elif X86_ONLY.search(line) and not any(guards):
            found.append((number, line.strip()))
    return found


@pytest.mark.parametrize("path", [path for folder in ("", "cpu", "mxnet") for path in
                                  build.sources(folder, (".cc", ".h"))], ids=lambda path: os.path.relpath(path, NATIVE))
def test_nothing_of_x86_is_unguarded(path):
    assert unguarded(Path(path).read_text()) == []


def test_what_counts_as_unguarded():
    assert unguarded("#include <immintrin.h>\n") == [(1, "#include <immintrin.h>")]
    assert unguarded("#if defined(__x86_64__)\n#include <immintrin.h>\n#else\n_mm_getcsr();\n#endif\n") == [
        (4, "_mm_getcsr();")]
    assert unguarded("#ifdef X\n#elif defined(__x86_64__)\nf(_mm_getcsr());\n#endif\n") == []
    assert unguarded('#if 1\n__attribute__((target("avx2"))) int f();\n#endif\n')
    guarded = (NATIVE / "cpu" / "denormals.cc").read_text() + (NATIVE / "cpu" / "nms.h").read_text()
    assert X86_ONLY.search(guarded)  # else these tests look for the wrong things


@pytest.fixture(scope="module")
def cross_build(tmp_path_factory):
    """The library as the cross compiler makes it: the path."""
    if shutil.which(CROSS_COMPILER) is None:
        pytest.skip(f"{CROSS_COMPILER} is not there (on Debian: apt install g++-aarch64-linux-gnu)")
    path = tmp_path_factory.mktemp("aarch64") / "liblhrcnn.so"
    environment = dict(os.environ, CXX=CROSS_COMPILER, CXXFLAGS="-O0 -Werror", LHRCNN_CUDA="0")
    code = "import sys; from light_head_rcnn.operators.native import build; build.build(sys.argv[1], cuda=False)"
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)
    return path


@pytest.mark.slow
def test_compiles_for_aarch64_without_a_warning(cross_build):
    """CPU kernels and registration with MXNet, as they stand."""
    machine = cross_build.read_bytes()[18:20]  # e_machine of the ELF header
    assert machine == b"\xb7\x00"  # EM_AARCH64
    assert build.built_fingerprint(str(cross_build)) == build.fingerprint()


def test_denormals_on_aarch64(cross_build, tmp_path):
    """The switch works, and tells its earlier setting, in an emulated processor."""
    emulator = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if emulator is None:
        pytest.skip("qemu-aarch64 is not there (on Debian: apt install qemu-user)")
    source = tmp_path / "denormals.cc"
    source.write_text("""
#include <cstdio>
#include <initializer_list>
#include "kernels.h"
int main() {
  volatile float tiny = 1e-39f, half = 0.5f;
  for (int flush : {0, 1, 1, 0, 0}) {
    const int before = lhrcnn_flush_denormals(flush);
    const float product = tiny * half;
    std::printf("%d%d ", before, product != 0);
  }
}
""")
    program = tmp_path / "denormals"
    subprocess.run([CROSS_COMPILER, "-static", "-I", build.FOLDER, str(source),
                    str(NATIVE / "cpu" / "denormals.cc"), "-o", str(program)], check=True)
    assert subprocess.check_output([emulator, str(program)], universal_newlines=True) == "01 00 10 11 01 "
