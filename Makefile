# After `setup` everything runs with the network off. `make setup PYTHON=/path/python3` names an interpreter.
.DELETE_ON_ERROR:
.PHONY: setup test demo bench results lint soak mutants lock clean

PY := .venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What is tested and measured here is compiled here, and leaves nothing behind.
export PUSHFORWARD_CACHE := off

setup:
	@PYTHON="$(PYTHON)" sh .ci/setup

test: setup
	$(PY) -m pytest -q -n 2 --dist worksteal

# Goes on where it stopped: finished stretches are kept in build/.
soak: setup
	mkdir -p build
	$(PY) -m pytest -q -m soak
	$(PY) -m pushforward.verify.properties.soak --count 50000 --xla 5000 --state build/soak.json
	$(PY) -m pushforward.verify.fuzz --count 1000000 --state build/fuzz.json

# One fault at a time in every rule and pass; fails when fewer than 98 in 100 are noticed.
mutants: setup
	$(PY) -m pushforward.verify.mutants

demo: setup
	$(PY) examples/lynx_hare.py

bench: setup
	$(PY) -m benchmarks

results: setup
	$(PY) -m benchmarks --results docs/results.md

lint: setup
	.venv/bin/ruff check
	.venv/bin/pyright

# Resolves requirements.lock anew; needs the network and `uv` on the PATH.
lock:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --quiet --upgrade --output-file requirements.lock > /dev/null

clean:
	rm -rf .venv build dist *.egg-info .hypothesis .pytest_cache .ruff_cache
