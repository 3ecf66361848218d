#!/usr/bin/env bash
# Builds the GPU kernels, tests them and times them on the GPU of this machine:
#
#   bash tests/gpu/run_all.sh
#
# The machine needs an NVIDIA GPU, nvcc, g++, and Python 3.8 or later with NumPy and a PyTorch that can use the GPU. It
# needs neither MXNet nor the internet. pytest and torchvision are used if they are there: without pytest the kernels
# are only compared with those of the CPU, and without torchvision they are not compared with torchvision's.
#
# Environment variables, all optional:
#   OUT                folder of the results; a new one in the folder of temporary files if not set
#   PYTHON             the Python to use; python3 if not set
#   BUILD_SECONDS, TEST_SECONDS, BENCHMARK_SECONDS   time limits of the steps
#
# Results in OUT: machine.txt, a log of each step (build.log, tests.log, benchmark.log), benchmark.json with all times,
# and summary.json with the exit status and the duration of each step.
#
# Exit status: 0 if every step succeeded; 1 if one failed or ran out of time; 2 if the machine lacks something and
# nothing was run.
set -u -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-python3}
library=$root/tests/gpu/liblhrcnn_kernels.so
steps=()
failed=0

lack() {
  echo "run_all.sh: $1 Nothing was run." >&2
  exit 2
}

# Runs a command under a time limit, with its output in a log: step NAME SECONDS COMMAND...
step() {
  local name=$1 limit=$2 begin=$SECONDS status
  shift 2
  echo "== $name, at most $limit seconds: $*"
  timeout --kill-after=15 "$limit" "$@" 2>&1 | tee "$OUT/$name.log"
  status=${PIPESTATUS[0]}
  if [ "$status" = 124 ] || [ "$status" = 137 ]; then
    echo "$name was stopped at its limit of $limit seconds" | tee -a "$OUT/$name.log"
  fi
  echo "== $name ended with status $status after $((SECONDS - begin)) seconds"
  steps+=("{\"step\": \"$name\", \"status\": $status, \"seconds\": $((SECONDS - begin))}")
  [ "$status" = 0 ] || failed=1
  return "$status"
}

summarize() {
  local IFS=,
  echo "{\"failed\": $failed, \"steps\": [${steps[*]}]}" > "$OUT/summary.json"
  echo "== results are in $OUT"
  exit "$failed"
}

cd "$root" || exit 2
command -v timeout > /dev/null || lack "The command timeout (GNU coreutils) was not found."
command -v "$python" > /dev/null || lack "$python was not found; name a Python in the variable PYTHON."
"$python" -c 'import numpy' 2> /dev/null || lack "$python has no NumPy."
"$python" -c 'import torch' 2> /dev/null || lack "$python has no PyTorch."
"$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2> /dev/null ||
  lack "PyTorch sees no GPU on this machine."
# The variable NVCC may hold options after the compiler's name.
read -r nvcc _ <<< "${NVCC:-nvcc}"
command -v "$nvcc" > /dev/null || lack "$nvcc was not found; install the CUDA toolkit or name the compiler in NVCC."
read -r cxx _ <<< "${CXX:-g++}"
command -v "$cxx" > /dev/null || lack "$cxx was not found; install g++ or name another compiler in CXX."

OUT=${OUT:-$(mktemp -d)}
mkdir -p "$OUT" || exit 2
{
  uname -a
  nvidia-smi || echo "nvidia-smi was not found"
  "$nvcc" --version
  "$python" --version
  "$python" -c 'import numpy; print("NumPy", numpy.__version__)'
  "$python" -c 'import torch; print("PyTorch", torch.__version__, "for CUDA", torch.version.cuda)'
  "$python" -c 'import torchvision; print("torchvision", torchvision.__version__)' 2> /dev/null || echo "no torchvision"
} 2>&1 | tee "$OUT/machine.txt"

LHRCNN_CUDA=1 step build "${BUILD_SECONDS:-600}" "$python" operators/native/build.py --standalone "$library" ||
  summarize

if "$python" -c 'import pytest' 2> /dev/null; then
  step tests "${TEST_SECONDS:-900}" "$python" -m pytest -q -rs -p no:cacheprovider tests/gpu
else
  echo "pytest was not found: only the comparison with the CPU's kernels is run. For all tests: pip install pytest"
  step tests "${TEST_SECONDS:-900}" "$python" tests/operators/cuda/run_cases.py "$library" "$library" torch 1000 60
fi

step benchmark "${BENCHMARK_SECONDS:-600}" "$python" tests/gpu/benchmark.py --out "$OUT/benchmark.json"
summarize
