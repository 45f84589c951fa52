# `make demo` and `make test` do all the set-up they need; only python3 (3.11 or newer) and make are presupposed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
LOCK    = $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml
SYNC    = UV_LINK_MODE=copy VIRTUAL_ENV=$(VENV) $(UV) pip install -q
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help setup setup-dev demo test test-slow sshd chromium chaos fuzz check format docs bench lock clean
.DEFAULT_GOAL := help

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.runtime ## install what a run needs
setup-dev: $(VENV)/.dev ## install what the tests need, too

demo: $(VENV)/.runtime ## the main job on data/prompts/sample.csv, without a key and without money (FRESH=1 starts anew)
	@$(BIN)/dailies demo $(if $(FRESH),--fresh)

test: $(VENV)/.dev sshd ## the whole quick suite
	$(BIN)/pytest -m "not slow" -n 2 --dist loadfile

test-slow: $(VENV)/.dev chromium ## the slow end-to-end tests
	$(BIN)/pytest -m slow

chromium: ## a browser for the report's tests, where there is none (Debian and Ubuntu, as root)
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "Installing Chromium (once) ..." \
		&& apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends chromium >/dev/null; } \
		|| echo "There is no Chromium, and no right to install it: the report's tests in a browser are skipped."

sshd: ## OpenSSH's server for the tests of sftp:// targets, where there is none (Debian and Ubuntu, as root)
	@test -x /usr/sbin/sshd || command -v sshd >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "Installing OpenSSH's server (once) ..." \
		&& apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends openssh-server >/dev/null; } \
		|| echo "There is no sshd, and no right to install it: the tests of sftp:// targets are skipped."

chaos: $(VENV)/.dev ## kill N=100 productions and hold the six promises against the account (PREFECT_SHARE=0.25 JOBS=2 SEED=17-direct)
	@$(BIN)/python -m tools.chaos $(or $(N),100) --prefect-share $(or $(PREFECT_SHARE),0.25) --jobs $(or $(JOBS),2) \
		$(addprefix --seed ,$(SEED))

fuzz: $(VENV)/.dev ## send hostile input to everything that reads what others wrote (SEED=1 NAME=storage-routes)
	@$(BIN)/python -m tools.fuzz $(addprefix --seed ,$(SEED)) $(NAME)

check: $(VENV)/.dev ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev ## put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

docs: $(VENV)/.runtime ## write what docs/usage.md says of settings and commands
	$(BIN)/python -m tools.usage_page

screenshots: $(VENV)/.dev chromium ## take docs/images anew from a real run
	$(BIN)/python -m tools.screenshots

bench: $(VENV)/.bench ## measure everything again and write docs/performance.md (QUICK=1: in three minutes, elsewhere)
	$(BIN)/python -m tools.bench $(if $(QUICK),--quick) $(ONLY)

lock: $(UV) ## choose exact versions anew, with hashes
	$(LOCK) --group build -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --group bench -c requirements-dev.lock -o requirements-bench.lock

clean: ## remove the virtual environment and the caches; data/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed: install Python 3.11 or newer, or say make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Dailies needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Say make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@$(BIN)/pip install -q 'uv>=0.5'

$(VENV)/.runtime: requirements.lock pyproject.toml | $(UV)
	@echo "Installing the locked packages (once) ..."
	@$(SYNC) --require-hashes -r requirements.lock
	@$(SYNC) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing what the tests need (once) ..."
	@$(SYNC) --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.bench: requirements-bench.lock $(VENV)/.dev
	@echo "Installing what the benchmark compares with (once) ..."
	@$(SYNC) --require-hashes -r requirements-bench.lock
	@touch $@
