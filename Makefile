# make run    the form, at http://127.0.0.1:8000/
# make quick  the tests that need no browser, no server and no sleep: on every save
# make test   every promise once, in a real browser too: before a change lands
# make nightly  every test, with all databases and browsers and more examples, and the coverage: before a release
# make check  linters, types, import rules, what bandit finds, and whether changed lock files install
# make audit  known vulnerabilities of the locked packages
# make lock   the lock files anew
# make spam   what each layer against spam lets through
# make bench  how fast it is, beside a plain app and the limit, whatever the portal does; parts of it in BENCH="trips outage"
# make chaos  what is lost or doubled when everything fails; options in CHAOS="--submissions 200"
# make lighthouse   the performance, accessibility and practices of the pages
# make observatory  the grade of the headers, behind nginx

# Python keeps what it has compiled; else each process compiles the tests and the program anew.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

AXE := node_modules/axe-core/axe.min.js

.PHONY: run quick test nightly check locks audit lock lighthouse observatory spam chaos bench font debian venv-module

run: .venv/runtime font
	$(BIN)/amoot-form serve

# The tests of a file run in one process, which starts its servers once. What each test costs in
# processor time stands in the report.
PYTEST := $(BIN)/python -m pytest --numprocesses=4 --dist=loadfile --no-loadscope-reorder \
  --cpu-report=.pytest_cache/cpu.tsv

quick: .venv/development font
	$(PYTEST) --numprocesses=2 -m "not slow and not nightly" --ignore=tests/browser --ignore=tests/journeys

# One process compiles the tests that are new, instead of all four; the run after it shows errors.
test: .venv/development debian $(AXE) font
	@$(BIN)/python -m pytest --collect-only --quiet >/dev/null || true
	$(PYTEST) -m "not nightly"

nightly: .venv/development debian $(AXE) font
	$(PYTEST) --chromium=chromium --hypothesis-profile=nightly --durations=60 --cov --cov-report=term
	$(MAKE) --no-print-directory locks

check: .venv/development
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive webapp
	@sha256sum --check --status $(LOCKS_INSTALLED) 2>/dev/null || $(MAKE) --no-print-directory locks

LOCKS_INSTALLED := .venv/locks.sha256

# The lock files install with the oldest supported pip, Python 3.11.7's and the newest.
locks: .venv/bin/python
	.ci/install-locks
	sha256sum requirements*.lock .ci/install-locks > $(LOCKS_INSTALLED)

# Known vulnerabilities of what is installed. It asks the package index, whose answer changes by itself.
audit: .venv/development
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock

.venv/bin/python: | venv-module
	$(PYTHON) -m venv .venv

# Debian ships Python's venv apart from Python.
venv-module:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(SUDO) apt-get update -qq && \
	  $(SUDO) apt-get install -qq --yes --no-install-recommends python3-venv >/dev/null; }

# Dependencies come from the lock files, by hash; the project itself is installed as it lies here.
.venv/runtime: requirements.lock pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --editable .
	touch $@

.venv/development: requirements-dev.lock pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@ .venv/runtime

# The font is fetched and made smaller, not committed. Without npm pages use the system's own.
font:
	@if [ ! -e $(FONT) ]; then \
	  if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(FONT); \
	  else echo "npm is missing: the page will use the system's font instead of Vazirmatn."; fi; fi

FONT := static/vazirmatn-persian.woff2
VAZIRMATN := node_modules/@fontsource-variable/vazirmatn/files

$(FONT): deploy/font.py static/font.css package-lock.json .venv/font
	[ -e $(VAZIRMATN) ] || npm ci --omit=dev
	$(BIN)/python deploy/font.py $(VAZIRMATN)

.venv/font: requirements-font.lock | .venv/bin/python
	$(PIP) install --require-hashes --requirement requirements-font.lock
	touch $@

# What the tests need beside Python: a real browser, the checkers of HTML and accessibility, and the
# servers that many machines share; and at night the other browsers, a spreadsheet program, a pool and
# Prometheus.
DEBIAN := chromium-headless-shell:chromium-headless-shell npm:npm java:default-jre-headless redis-server:redis-server \
  initdb:postgresql nginx:nginx systemd-analyze:systemd zbarimg:zbar-tools
AT_NIGHT := chromium:chromium firefox-esr:firefox-esr soffice:libreoffice-calc-nogui pgbouncer:pgbouncer \
  WebKitWebDriver:webkit2gtk-driver Xvfb:xvfb promtool:prometheus
nightly: DEBIAN += $(AT_NIGHT)
POLICY := /usr/sbin/policy-rc.d

# Debian keeps the programs of PostgreSQL and nginx off the PATH. No service is started: the tests
# run their own, and where services cannot be started the installation would fail.
debian:
	@PATH="$$PATH:/usr/sbin:$$(echo /usr/lib/postgresql/*/bin | tr ' ' :)"; \
	missing=; for pair in $(DEBIAN); do \
	  command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; done; \
	if [ -n "$$missing" ]; then \
	  [ -e $(POLICY) ] || { trap '$(SUDO) rm -f $(POLICY)' EXIT; \
	    $(SUDO) install -m 755 /dev/stdin $(POLICY) <<<$$'#!/bin/sh\nexit 101'; }; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	  $(SUDO) apt-get install -qq --yes --no-install-recommends $$missing >/dev/null; fi

$(AXE): package-lock.json | debian
	npm ci
	touch $@

# Lighthouse, on the form as gunicorn serves it.
lighthouse: DEBIAN := npm:npm chromium:chromium
lighthouse: .venv/runtime debian font
	cd bench && npm ci && node lighthouse.mjs

# The headers' grade, behind nginx.
observatory: .venv/development debian
	cd bench && npm ci
	PYTHONPATH=tests $(BIN)/python bench/observatory.py

# What each layer against spam lets through.
spam: .venv/runtime
	PYTHONPATH=tests $(BIN)/python bench/spam.py

# What is lost, doubled or left behind when the portal, our processes and the database fail.
chaos: .venv/development debian
	PYTHONPATH=tests $(BIN)/python bench/chaos.py $(CHAOS)

# How fast it is. The load comes from wrk.
bench: DEBIAN := npm:npm wrk:wrk initdb:postgresql
bench: .venv/development debian font
	PYTHONPATH=tests $(BIN)/python bench/bench.py $(BENCH)

lock: DEBIAN := npm:npm
lock: .venv/development debian
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --no-strip-extras --all-extras --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --no-strip-extras --group dev --output-file requirements-dev.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --group font --output-file requirements-font.lock
	for folder in . bench; do (cd $$folder && npm install --package-lock-only && node -e 'const f = "package-lock.json", l = JSON.parse(fs.readFileSync(f)); for (const p of Object.values(l.packages)) delete p.funding; fs.writeFileSync(f, JSON.stringify(l, null, 2) + "\n")'); done
