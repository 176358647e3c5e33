# becalm: `make demo` shows what it does, `make test` runs the tests, `make help` lists the rest.
# Everything lives in .venv; PYTHON names the interpreter it is made with.

PYTHON ?= python3
SHELL := /bin/sh
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
BECALM := $(BIN)/becalm
PYTEST := $(BIN)/python -m pytest
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo test slow fuzz torture load methods check format docs notebooks pictures bench results rollouts programs-results package constraints clean

help:  ## This list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1	\2/p' Makefile

demo: .venv/runtime  ## Draws digits, rolls out a policy, samples an integer program with the bundled models, into out/
	@mkdir -p out
	$(BECALM) images sample --checkpoint mnist --count 100 --out out/digits.png
	$(BECALM) images sample --checkpoint mnist --count 16 --out out/film.gif
	$(BECALM) images sample --checkpoint mnist --label 7 --guidance 2 --count 16 --out out/sevens.png
	$(BECALM) images edit --checkpoint mnist --image docs/images/eight.png --mask top --label 8,9 --guidance 2 --out out/edited.png
	$(BECALM) policies sample --checkpoint fork --count 60 --out out/fork.png
	@rm -rf out/pusht
	$(BECALM) policies evaluate pusht --episodes 6 --out out/pusht
	$(BECALM) programs generate --family set-cover --size paper --count 1 --seed 0 --out out/programs
	$(BECALM) programs sample out/programs/set-cover-paper-00000.mps.gz --count 30 --out out/programs/solutions.npz --picture out/programs/solutions.png
	@echo "Look into $(CURDIR)/out: digits.png, film.gif, sevens.png, edited.png; fork.png; pusht/plot.png, pusht/best.gif; programs/solutions.png"

test: .venv/dev  ## All tests but the slow ones, a process for each core
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(PYTEST) -n $(WORKERS) --dist loadfile --max-worker-restart 0

slow: .venv/dev  ## The tests that take minutes
	$(PYTEST) -m slow -o faulthandler_timeout=7200

torture: .venv/dev  ## Trainings killed at random and at every file-system call (half an hour; Linux; goes on where it stopped)
	OMP_NUM_THREADS=1 $(BIN)/python tests/trust/torture.py --journal out/torture.jsonl

load: .venv/dev  ## The studio, a served model and one long process under load (half an hour; Linux)
	$(BIN)/python tests/trust/load.py

fuzz: .venv/dev  ## Changed files of every kind through every door, 10,000 of each; goes on where it stopped (half an hour)
	OMP_NUM_THREADS=1 $(BIN)/python tests/trust/fuzz/run.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/trust/fuzz/studio_requests.py

check: .venv/dev  ## Style, types, import directions, documentation
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/python -m sphinx -W --keep-going -q -j auto docs docs/_build

format: .venv/dev  ## Mends what style can mend by itself
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

docs: .venv/dev  ## The documentation, into docs/_build
	$(BIN)/python -m sphinx -W --keep-going -q -j auto docs docs/_build
	@echo "Open $(CURDIR)/docs/_build/index.html"

notebooks: .venv/dev  ## Runs the notebooks of the documentation, and keeps what they draw
	$(BIN)/python docs/run_notebooks.py

pictures: .venv/dev  ## Draws the pictures of docs/ideas.md and docs/howto/studio.md (the studio's want chromium)
	$(BIN)/python docs/pictures.py
	$(BIN)/python docs/studio_pictures.py

bench: .venv/dev  ## The sampling loop beside diffusers; policies, graphs, starting, tracking, the studio (minutes; wants chromium)
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/counts.py
	$(BIN)/python benchmarks/kernels.py
	$(BIN)/python benchmarks/policy.py pusht lander fork
	$(BIN)/python benchmarks/graph.py
	$(BIN)/python benchmarks/start.py
	$(BIN)/python benchmarks/tracking.py
	$(BIN)/python benchmarks/studio.py

methods: .venv/dev  ## The figures and pictures of docs/methods anew (minutes to hours: each says its own)
	set -e; for each in benchmarks/methods/*.py; do $(BIN)/python $$each; done

rollouts: .venv/dev  ## docs/results-policies.md anew, cell by cell (half an hour; goes on where it stopped)
	$(BIN)/python benchmarks/rollouts.py

programs-results: .venv/dev  ## docs/results-programs.md anew, cell by cell (an hour of one core; goes on where it stopped)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/programs_table.py

results: .venv/dev  ## docs/results.md anew, cell by cell (hours on a CPU, wants a C++ compiler; goes on where it stopped)
	$(BIN)/python benchmarks/mnist.py --compile --precision bf16

package:  ## Builds wheel and sdist into dist, checks them, and draws digits with the wheel alone in an environment of its own
	rm -rf dist build/package
	$(PYTHON) -m venv build/package/tools
	build/package/tools/bin/python -m pip install --quiet --disable-pip-version-check build twine
	build/package/tools/bin/python -m build --outdir dist .
	build/package/tools/bin/python -m twine check --strict dist/*
	$(PYTHON) -m venv build/package/alone
	build/package/alone/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	cd build/package && alone/bin/becalm images sample --label 7 --count 16 --out sevens.png && alone/bin/becalm doctor

clean:  ## Removes what these commands made, except .venv
	rm -rf out docs/_build build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# One environment, filled in two stages: what running needs, then what developing needs.
.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "becalm needs Python 3.11 or newer, this is %d.%d: name another, as in make demo PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	@touch .venv/made

.venv/runtime: .venv/made pyproject.toml constraints.txt
	$(PIP) -e '.[policies,programs]' -c constraints.txt
	@touch .venv/runtime

.venv/dev: .venv/made pyproject.toml constraints.txt
	$(PIP) -e '.[dev]' -c constraints.txt
	@touch .venv/dev .venv/runtime
