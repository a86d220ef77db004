# Two commands do everything on a bare machine: `make run` and `make test`.
PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-deps --progress-bar on
FAST := not slow and not rabbitmq and not postgres and not gcs and not browser and not models and not coqui

.PHONY: help run test test-fast check format install coqui soak bench-voices bench-speech bench-synthesizer bench-transcription bench-cues bench-jobs bench-reading clean
.DEFAULT_GOAL := help

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

run: $(VENV)/.run ## Install what is missing, prepare the models, serve, and prove it (PORT= HOST= ARGS=--once)
	@$(BIN)/moksori prepare
	@MOKSORI_LOG_LEVEL=$${MOKSORI_LOG_LEVEL:-WARNING} $(BIN)/moksori serve --host $(HOST) --port $(PORT) --prove $(ARGS)

test: $(VENV)/.test .venv-coqui/.done check ## Everything: unit, contract, faults, engines, browser, end to end
	@sh tests/system_packages.sh
	@$(BIN)/moksori prepare --quiet
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

test-fast: $(VENV)/.test ## What needs no service, no model and no browser; under 30 seconds
	$(BIN)/python -m pytest -n 3 -m "$(FAST)" $(ARGS)

check: $(VENV)/.test ## ruff, mypy and the import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_imports.py

format: $(VENV)/.test ## Let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(VENV)/.run ## Only the virtual environment

coqui: .venv-coqui/.done ## A second environment with CPU torch and coqui-tts, for the engine that needs them

soak: $(VENV)/.test ## kill -9 of everything at random points, 20 times in each mode
	@sh tests/system_packages.sh
	$(BIN)/python -m bench.soak $(ARGS)

bench-voices: $(VENV)/.test ## Round-trip error rate of every voice
	$(BIN)/python -m bench.voices $(ARGS)

bench-speech: $(VENV)/.test ## Speech through API, queue and storage against the engine alone
	$(BIN)/python -m bench.speech $(ARGS)

bench-synthesizer: $(VENV)/.test .venv-coqui/.done ## Our engine against coqui's Synthesizer, the same checkpoints
	$(BIN)/python -m bench.synthesizer $(ARGS)

bench-transcription: $(VENV)/.test ## Transcription through API, queue and storage against the engine alone
	$(BIN)/python -m bench.transcription $(ARGS)

bench-cues: $(VENV)/.test ## Seconds from a day of words to subtitles
	$(BIN)/python -m bench.cues $(ARGS)

bench-jobs: $(VENV)/.test ## Accepted jobs a second, memory at rest, time to ready, waits and streams
	@sh tests/system_packages.sh
	$(BIN)/python -m bench.jobs $(ARGS)

bench-reading: $(VENV)/.test ## CPU time of reading a sentence, its growth, and how much is read right
	$(BIN)/python -m bench.reading $(ARGS)

clean: ## Remove environments and caches; .moksori (your data) stays
	rm -rf .venv .venv-coqui .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

# The second time nothing is asked of the network: the stamps stand for the locked lists.
$(VENV)/.run: requirements/run.txt requirements/nodeps.txt pyproject.toml
	@echo "Making $(VENV) and installing the locked packages (a few minutes the first time) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "python3 -m venv does not work here. On Debian: apt-get install python3-venv"; exit 1; }
	$(PIP) -r requirements/run.txt
	$(PIP) -r requirements/nodeps.txt
	$(PIP) -q --no-build-isolation -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt requirements/teach.txt
	$(PIP) -r requirements/test.txt
	$(PIP) -r requirements/teach.txt
	@touch $@

.venv-coqui/.done: requirements/coqui.txt
	$(PYTHON) voice_model/install_coqui.py .venv-coqui
	@touch $@
