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

.PHONY: setup build demo test lint clean

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

demo: build
	$(RUN) experiments/train_end2end.py --cfg $(CFG) --cpu
	$(RUN) experiments/test.py --cfg $(CFG) --cpu
	$(RUN) experiments/demo.py --cfg $(CFG) --cpu
	$(RUN) experiments/export.py --cfg $(CFG) --cpu

test: build
	$(RUN) -m pytest -q

lint: setup
	$(RUN) -m ruff check .

clean:
	rm -rf .venv build dist *.egg-info operators/native/*.so .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
