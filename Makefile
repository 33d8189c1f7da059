# GAN Lessons. `make` lists the commands.
SHELL := bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PORT ?= 8888
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)

# One thread for each process: lessons and tests run side by side, one per core.
# What they find right is not the learner's progress.
QUIET := OMP_NUM_THREADS=1 GAN_LESSONS_DATA=bundled GAN_LESSONS_PROGRESS=off

.PHONY: help lab options test check notebooks site slides bench clean
.DEFAULT_GOAL := help

help: ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 19

# Not in the file list, so that the lessons come first: folders stand above files.
HIDDEN := source notes __pycache__

lab: options .venv/lab.stamp ## set up if needed, and open JupyterLab on lesson 00 (PORT=8888, BROWSER=none)
	$(BIN)/jupyter lab notebooks/00_start_here.ipynb --port="$$PORT" \
		--LabApp.default_url=/lab/tree/00_start_here.ipynb \
		$(patsubst %,--ContentsManager.hide_globs=%,$(HIDDEN)) \
		$(if $(filter none,$(BROWSER)),--no-browser) \
		$(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root)

# Values come through the environment: in a recipe's text the shell would run what is in them.
# BROWSER may also be the desktop's own variable, which names a program.
export PORT
options:
	@[[ $$PORT =~ ^[0-9]+$$ ]] || { echo "PORT is a number such as 8888, not $$PORT"; exit 1; }
	@(( 10#$$PORT < 65536 )) || { echo "PORT is at most 65535, not $$PORT"; exit 1; }
ifeq ($(origin BROWSER),command line)
	@[[ $$BROWSER =~ ^(none)?$$ ]] || { echo "BROWSER can only be none, not $$BROWSER"; exit 1; }
endif

SLOWEST := --durations 0 --durations-min 5  # what to look at when tests take long

# The browser waits a third of its time: the package is tested meanwhile.
test: .venv/test.stamp ## set up if needed, and run every test and every notebook
	$(BIN)/python tests/browser/get_browser.py
	@mkdir -p build; log=build/package.log; trap 'kill $$package 2>/dev/null' EXIT; \
	$(QUIET) $(BIN)/python -m pytest -n logical --dist loadgroup $(SLOWEST) \
		tests --ignore tests/browser >$$log 2>&1 & package=$$!; \
	$(QUIET) $(BIN)/python -m pytest -n logical --maxprocesses 4 --maxschedchunk 1 \
		$(SLOWEST) tests/browser; browser=$$?; \
	wait $$package; tested=$$?; trap - EXIT; cat $$log; exit $$((browser || tested))

check: .venv/test.stamp ## lint, format, types, and whether notebooks are in step with their sources
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m authoring check

notebooks: .venv/test.stamp ## execute the lessons' sources into notebooks (all, or LESSON=07)
	$(QUIET) $(BIN)/python -m authoring build $(LESSON)

site: .venv/test.stamp ## write the lessons as web pages into build/site
	$(BIN)/python -m authoring site

slides: .venv/test.stamp ## write the lessons as slides into build/slides (all, or LESSON=07)
	$(BIN)/python -m authoring slides $(LESSON)

bench: .venv/test.stamp ## measure speeds and quality against the usual way, in one table (under two hours)
	$(QUIET) $(BIN)/python tests/benchmarks/bench.py

clean: ## remove the environment and all that was built; your runs and data stay
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/%.stamp: pyproject.toml gan_lessons/ipython_kernel_config.json gan_lessons/jupyter_server_config.json
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=path"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Python's venv module is missing: install it (on Debian: apt install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[$*]"
	mkdir -p .venv/etc/ipython .venv/etc/jupyter
	cp gan_lessons/ipython_kernel_config.json .venv/etc/ipython/
	cp gan_lessons/jupyter_server_config.json .venv/etc/jupyter/
	touch $@ $(if $(filter test,$*),.venv/lab.stamp)
