# `make demo` and `make test` each work alone on a fresh machine: both create .venv.
PYTHON ?= $(shell for v in 3.12 3.11 3.13 3.10; do \
	command -v python$$v >/dev/null 2>&1 && python$$v -c '' >/dev/null 2>&1 \
	&& echo python$$v && break; done)
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
# setuptools warns of every package in place whose folders are not all in one.
INSTALL := $(BIN)/python -W "ignore:Editable installation" -m pip install --quiet
# Half of the time of a test is that of one thread.
WORKERS ?= 3
# 3 leaves out the complaint about a missing GPU driver; on AMD processors oneDNN is
# faster than what TensorFlow chooses.
export TF_CPP_MIN_LOG_LEVEL ?= 3
export TF_ENABLE_ONEDNN_OPTS ?= 1

.PHONY: help demo test test-slow test-beam test-keras lint docs bench-data bench-train \
	bench-infer bench-job starters clean

help:
	@echo "make demo        train, evaluate, export and predict on drawn people"
	@echo "make test        the quick tests      make test-slow  the long ones"
	@echo "make test-beam   those of Apache Beam, in an environment of their own"
	@echo "make test-keras  models and layers with the oldest and the newest Keras"
	@echo "make lint        ruff and mypy        make bench-data, bench-train, bench-infer,"
	@echo "                                      bench-job"
	@echo "make docs        the documentation as a site, in build/site/"
	@echo "make starters    the small models of saved_models/, trained anew"
	@echo "make bench-train BENCH='--dtype mixed_bfloat16'  with other options"

$(STAMP): setup.py
	@test -n "$(PYTHON)" || { echo "No Python 3.10-3.13 was found. Install one," \
		"or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Installing into $(VENV), which takes minutes and about 4 GB."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(INSTALL) --editable ".[test,video,tfds,litert,openvino,onnx,jax,hub,serve,grpc]"
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/hrnet demo

test: $(STAMP)
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist worksteal

# The libraries of annotation tools, which their files are compared with.
$(VENV)/.formats-installed: $(STAMP)
	$(INSTALL) --editable ".[formats,peers]"
	@touch $@

test-slow: $(VENV)/.formats-installed
	$(BIN)/python -m pytest -m slow

# Apache Beam brings older releases of libraries, and so has an environment of its own.
test-beam:
	test -x .venv-beam/bin/python || $(PYTHON) -m venv .venv-beam
	.venv-beam/bin/python -m pip install --quiet --upgrade pip
	.venv-beam/bin/python -m pip install --quiet --editable ".[test,beam]"
	.venv-beam/bin/python -m pytest tests/beam

# setup.py says between which releases of Keras users are; each has an environment.
KERAS_oldest = keras==$(shell sed -n 's/.*"keras>=\([0-9.]*\),.*/\1/p' setup.py)
KERAS_newest = keras
KERAS_TESTS := tests/layers tests/lowlevel tests/models tests/optimizers

test-keras: test-keras-oldest test-keras-newest

test-keras-%:
	test -x .venv-keras-$*/bin/python || $(PYTHON) -m venv .venv-keras-$*
	.venv-keras-$*/bin/python -m pip install --quiet --upgrade pip
	.venv-keras-$*/bin/python -m pip install --quiet --upgrade \
		--editable ".[test]" "$(KERAS_$*)"
	.venv-keras-$*/bin/python -m pip show keras | grep ^Version
	.venv-keras-$*/bin/python -m pytest -m "not slow" $(KERAS_TESTS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# In the same environment, but only for those who build the site.
$(VENV)/.docs-installed: $(STAMP)
	$(INSTALL) --editable ".[docs]"
	@touch $@

.PHONY: docs
docs: $(VENV)/.docs-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench-data: $(STAMP)
	$(BIN)/python benchmarks/data_pipeline.py

# TensorFlow loads a JAX that it finds, a tenth of a GB of memory that users may not have.
.venv-bench/.installed: setup.py
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --upgrade pip
	.venv-bench/bin/python -m pip install --quiet --editable ".[bench]"
	@touch $@

bench-train: .venv-bench/.installed
	.venv-bench/bin/python benchmarks/training_step.py $(BENCH)

.venv-bench/.runtimes: .venv-bench/.installed
	.venv-bench/bin/python -m pip install --quiet --editable \
		".[bench,openvino,onnx,litert]"
	@touch $@

bench-infer: .venv-bench/.runtimes
	.venv-bench/bin/python benchmarks/inference.py $(BENCH)

bench-job: .venv-bench/.runtimes
	.venv-bench/bin/python benchmarks/whole_job.py $(BENCH)

# Trains the starter model of saved_models/ anew, as `hrnet demo` does.
starters: $(STAMP)
	$(BIN)/hrnet demo --out demo
	$(BIN)/python benchmarks/make_starter.py people_pose demo/run/best.keras demo/data
	$(INSTALL) scikit-learn
	$(BIN)/python benchmarks/digit_pictures.py digits/data
	$(BIN)/hrnet train digits/written --data-dir digits/data --epochs 10 \
		--out digits/run
	$(BIN)/python benchmarks/make_starter.py written_digits digits/run/best.keras \
		digits/data

clean:
	rm -rf $(VENV) .venv-beam .venv-bench .venv-keras-* build dist *.egg-info
