# `make demo` and `make test` set up everything that they need. You need only python3 (3.11 or newer), make and git.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
COMPILE = $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock"
LOCK    = $(COMPILE) pyproject.toml
SYNC    = UV_LINK_MODE=copy VIRTUAL_ENV=$(VENV) $(UV) pip install -q
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help setup setup-dev demo test test-slow sshd chromium chaos mirror-proof fuzz fuzz-files check format docs bench lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.runtime ## install what a run needs
setup-dev: $(VENV)/.dev ## install what the tests need, too

demo: $(VENV)/.runtime ## make the videos of data/prompts/sample.csv on the sandbox, without a key or money (FRESH=1: start from nothing)
	@$(BIN)/dailies demo $(if $(FRESH),--fresh)

# OpenSSH's server is a service that listens, so only CI installs it unasked; elsewhere pytest skips the tests of sftp://.
test: $(VENV)/.dev $(if $(CI),sshd) ## run the quick suite
	$(BIN)/pytest -m "not slow" -n 2 --dist loadfile

test-slow: $(VENV)/.dev chromium ## run the slow end-to-end tests
	$(BIN)/pytest -m slow -n 2 --dist loadfile

chromium: ## install a browser for the report's tests if there is none (Debian and Ubuntu, as root)
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "Installing Chromium (once) ..." \
		&& apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends chromium >/dev/null; } \
		|| echo "There is no Chromium and no permission to install it: pytest skips the report's tests in a browser."

sshd: ## install OpenSSH's server for the tests of sftp:// if there is none (Debian and Ubuntu, as root)
	@test -x /usr/sbin/sshd || command -v sshd >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "Installing OpenSSH's server (once) ..." \
		&& apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends openssh-server >/dev/null; } \
		|| echo "There is no sshd and no permission to install it: pytest skips the tests of sftp://."

chaos: $(VENV)/.dev ## kill the runs of N=100 scenarios and check the six promises (PREFECT_SHARE=0.25 JOBS=2 SEED=17-direct)
	@$(BIN)/python -m tools.chaos $(or $(N),100) --prefect-share $(or $(PREFECT_SHARE),0.25) --jobs $(or $(JOBS),2) \
		$(addprefix --seed ,$(SEED))

mirror-proof: $(VENV)/.dev ## 400 large videos, two mirrors at once, three kills: each stored once and whole (OBJECTS=40: in a minute)
	@$(BIN)/python -m tools.mirror_proof $(addprefix --objects ,$(OBJECTS))

fuzz: $(VENV)/.dev ## send hostile input to the code that reads foreign data (SEED=1 NAME=storage-routes)
	@$(BIN)/python -m tools.fuzz $(addprefix --seed ,$(SEED)) $(NAME)

fuzz-files: $(VENV)/.dev ## read COUNT=10000 generated foreign files whose right reading is known
	@$(BIN)/python -m tools.fuzz_files $(COUNT)

check: $(VENV)/.dev ## check format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

docs: $(VENV)/.runtime ## write the settings and commands in docs/usage.md
	$(BIN)/python -m tools.usage_page

screenshots: $(VENV)/.dev chromium ## renew docs/images from a real run
	$(BIN)/python -m tools.screenshots

bench: $(VENV)/.bench ## run all benchmarks and write docs/performance.md (QUICK=1: small sizes, in three minutes, to another place)
	$(BIN)/python -m tools.bench $(if $(QUICK),--quick) $(ONLY)

lock: $(UV) ## lock exact versions with hashes
	$(COMPILE) --group setup -o requirements-setup.lock
	$(LOCK) --group build -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --group bench -c requirements-dev.lock -o requirements-bench.lock

clean: ## remove the virtual environment and the caches; keep data/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed: install Python 3.11 or newer, or run make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Dailies needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Run make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@$(BIN)/pip install -q --require-hashes -r requirements-setup.lock

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
