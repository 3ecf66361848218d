# Needs python3 (3.8 to 3.12), g++ and make. Everything else is installed into .venv, with the versions of constraints.txt.
PYTHON ?= python3
# cpu, or cu112 for NVIDIA GPUs
EXTRA ?= cpu

RUN := .venv/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check -q install -c constraints.txt
MXNET := $(if $(filter cpu,$(EXTRA)),mxnet,mxnet-$(EXTRA))
# An environment holds the path of its checkout: one that was copied along is made anew.
READY := .venv/ready-$(EXTRA)-$(shell pwd | cksum | cut -d ' ' -f 1)
CFG := experiments/cfgs/shapes_s.yaml
PICTURES := $(foreach i,1 2 3 4 5 6 7 8,output/shapes/val/00000$(i).png)

.PHONY: setup build demo test test-slow lint clean

setup: $(READY)

# Done again only when what it depends on changes. The native build needs MXNet's headers: MXNet comes first.
$(READY): setup.py pyproject.toml constraints.txt tools/make_venv.py
	@echo "Installing into .venv (one to three minutes)"
	@$(PYTHON) tools/make_venv.py .venv
	@$(PIP) setuptools wheel $(MXNET)
	@$(PIP) --no-build-isolation -e '.[$(EXTRA),dev]'
	@touch $@

# Does nothing while the library is as new as its sources.
build: setup
	@$(RUN) operators/native/build.py

# Trains and tests, or goes on where an earlier call was stopped; draws detections; exports, and checks the export.
demo: build
	$(RUN) experiments/train_end2end.py --cfg $(CFG) --cpu --resume-if-any
	$(RUN) experiments/demo.py --cfg $(CFG) --cpu --out output/shapes_s/pictures $(PICTURES)
	$(RUN) experiments/export.py --cfg $(CFG) --cpu --check $(PICTURES)

# One worker a core, with one thread each; fixtures that a file's tests share are made once. Long tracebacks print the arguments
# of calls, and a graph of several outputs ends the process when it is printed (MXNet 1.9.1).
TEST := OMP_NUM_THREADS=1 $(RUN) -m pytest -q --tb=short -n auto --dist loadfile

test: build
	$(TEST) -m 'not slow'

# The rest of the suite: tests of which each compiles, trains or measures for ten seconds or more.
test-slow: build
	$(TEST) -m slow

lint: setup
	$(RUN) -m ruff check .
	.venv/bin/lint-imports --no-cache

clean:
	rm -rf .venv build dist *.egg-info operators/native/*.so .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
