# `make run` and `make test` do all of their set-up; after the first run neither needs a network.
#   PORT=8000 make run          another port
#   PYTHON=python3.12 make run  another interpreter (3.11 or later)

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python

# An installation is recognised by what was asked for, not by file times, which a fresh clone scrambles.
APP_SUM := $(shell cksum < requirements.txt | cut -d' ' -f1)
DEV_SUM := $(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)
APP := $(VENV)/installed-app-$(APP_SUM)
DEV := $(VENV)/installed-dev-$(DEV_SUM)

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench eval kill readme resolve clean

help:  ## List these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s'|' 2>/dev/null || \
	 sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	 { echo "palign needs Python 3.11 or later. Name one: PYTHON=/path/to/python3.11 make run" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(APP): | $(PY)
	$(PY) -m pip install -r requirements.txt
	$(PY) -m pip install --no-deps -e .
	@rm -f $(VENV)/installed-app-*
	@touch $@

$(DEV): $(APP)
	$(PY) -m pip install -r requirements-dev.txt
	@rm -f $(VENV)/installed-dev-*
	@touch $@

run: $(APP)  ## Start the chat and print its address
	$(PY) app.py

test: $(DEV)  ## Run the tests; pass more with ARGS="-k memory"
	$(PY) -m pytest $(ARGS)

lint: $(DEV)  ## Check style, format and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	@find palign -name '*.pyi' -delete  # gradio writes them beside its components; mypy would read them instead
	$(PY) -m mypy

format: $(DEV)  ## Format, and mend what ruff can mend
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(APP)  ## Measure the decoder
	$(PY) -m palign.evaluation.bench $(ARGS)

eval: $(APP)  ## Run the arms on simulated users and write assets/eval
	$(PY) -m palign eval $(ARGS)

kill: $(DEV)  ## Kill writers at random moments and look for loss
	$(PY) -m pytest -m kill $(ARGS)

readme: $(DEV)  ## Write the README's generated parts anew
	PYTHONPATH=. $(PY) tests/readme_parts.py

# What a Space's builder adds to the requirements, on both Pythons and alone. Needs a network.
SPACE := 'gradio[oauth,mcp]==6.31.0' 'uvicorn>=0.14.0' 'websockets>=10.4' spaces
resolve: $(DEV)  ## Check that the requirements resolve on 3.11 and 3.12 and on a Space
	@for version in 3.11 3.12; do \
	  echo "Python $$version" && \
	  $(PY) -m uv pip compile --quiet --python-version $$version requirements.txt >/dev/null && \
	  echo "Python $$version on a Space" && \
	  printf '%s\n' $(SPACE) | $(PY) -m uv pip compile --quiet --python-version $$version requirements.txt - \
	    >/dev/null || exit 1; \
	done

clean:  ## Remove the environment and the caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
