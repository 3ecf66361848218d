"""The wheel and the editable install, each built from a copy of the checkout and used from a clean environment."""
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

# They compile the native library, and make environments.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "*.so", "__pycache__", "build", "dist", "*.egg-info", "output")

TRY = """
import light_head_rcnn, mxnet as mx
from light_head_rcnn.operators import ps_roi_align
import light_head_rcnn.data, light_head_rcnn.engine
pooled = ps_roi_align(mx.nd, mx.nd.ones((1, 8, 9, 9)), mx.nd.array([[0, 2, 2, 6, 6]]), 2, 2, 1)
print(light_head_rcnn.__file__, light_head_rcnn.get_model.__name__, pooled.shape, pooled.sum().asscalar())
"""
# Without what tells this process where modules are.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(*command, **environment):
    """Output of a command that has to succeed, run away from the checkout."""
    done = subprocess.run([str(part) for part in command], cwd="/", env=dict(ENVIRONMENT, **environment),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def pip(*arguments):
    """Runs pip without isolation or network; the native library is compiled without optimisation, to be quick."""
    return run(sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments, CXXFLAGS="-O0")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout without anything built."""
    folder = tmp_path_factory.mktemp("copy") / "checkout"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory):
    """A wheel built from the copy."""
    folder = tmp_path_factory.mktemp("dist")
    pip("wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", folder, checkout)
    path, = folder.iterdir()
    return path


@pytest.fixture
def clean_python(tmp_path):
    """Python of a new environment that sees this one's packages, but not its editable installs."""
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(site) / "dependencies.pth").write_text("\n".join(sorted(paths)))
    return python


def test_wheel_holds_the_package(wheel):
    assert wheel.name.endswith("-py3-none-linux_x86_64.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    folders = "operators", "symbols", "gluon_models", "data", "engine", "experiments"
    files = [path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*")
             if path.suffix in (".py", ".yaml", ".md", ".cc", ".cu", ".h", ".cuh")]
    expected = {"light_head_rcnn/" + path.as_posix() for path in files}
    modules = {path.name for path in ROOT.glob("*.py")} - {"setup.py"}
    expected |= {f"light_head_rcnn/{name}" for name in modules} | {"light_head_rcnn/operators/native/liblhrcnn.so"}
    assert expected <= names
    others = {name for name in names if not name.split("/")[0].endswith(".dist-info")} - expected
    assert not others
    assert any(name.endswith("LICENSE") for name in names)


def test_wheel_works_in_a_clean_environment(wheel, clean_python):
    pip("--python", clean_python, "install", "--no-deps", "--no-index", wheel)
    where, model, *shape, total = run(clean_python, "-W", "ignore", "-c", TRY).split(" ")
    assert where.startswith(str(clean_python.parents[1]))
    assert (model, " ".join(shape), total) == ("get_model", "(1, 2, 2, 2)", "8.0")


def test_the_console_command_finds_bundled_configurations(wheel, clean_python, tmp_path):
    pip("--python", clean_python, "install", "--no-deps", "--no-index", wheel)
    command = clean_python.parent / "lhrcnn"
    assert "train" in run(command, "--help") and run(command, "config", "--cfg", "bccd_s").count("bccd_s") > 1


def test_editable_install_works(checkout, clean_python):
    pip("--python", clean_python, "install", "--no-build-isolation", "--no-deps", "--no-index", "-e", checkout)
    where, *_ = run(clean_python, "-W", "ignore", "-c", TRY).split(" ")
    assert where == str(checkout / "__init__.py")
    # The library lies in the checkout: without it there is one message, with the command that builds it.
    library = checkout / "operators" / "native" / "liblhrcnn.so"
    library.rename(library.with_suffix(".gone"))
    done = subprocess.run([str(clean_python), "-W", "ignore", "-c", TRY], cwd="/", env=ENVIRONMENT,
                          stderr=subprocess.PIPE, universal_newlines=True)
    assert f"is missing: {library}\nBuild it with: make build" in done.stderr
