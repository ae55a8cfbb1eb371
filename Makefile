.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
PORT ?= 8000
TESTS ?= tests
WORDS ?= words.pot
SOAKED = soak or marathon
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST = $(BIN)/python -m pytest -q -n 2 --dist worksteal --durations 15

PROVED = service/ledger/*,service/brands/colours.py,service/brands/logos.py,service/brands/looks.py,service/conversions/attribution.py,service/conversions/eligibility.py,service/conversions/explanations.py,service/conversions/rules.py,service/customers/contacts.py,service/customers/files.py,service/customers/mailboxes.py,service/customers/rows.py,service/dashboard/advocates.py,service/dashboard/cohorts.py,service/dashboard/digest.py,service/dashboard/editing.py,service/dashboard/figures.py,service/dashboard/filters.py,service/dashboard/form.py,service/dashboard/orchard.py,service/dashboard/overview.py,service/dashboard/terms.py,service/dashboard/words.py,service/demo/half_year.py,service/events/kinds.py,service/formats.py,service/links/addresses.py,service/links/codes.py,service/links/drawing.py,service/links/evidence.py,service/links/followers.py,service/links/greetings.py,service/links/hosts.py,service/links/names.py,service/links/offence.py,service/links/qr.py,service/links/states.py,service/links/visitors.py,service/merchants/slugs.py,service/people/belongings.py,service/programs/sites.py,service/programs/soundness.py,service/programs/states.py,service/programs/terms.py,service/rewards/holdings.py,service/rewards/references.py,service/sharing/channels.py,service/sharing/embedding.py,service/sharing/growth.py,service/sharing/invitations.py,service/statistics/entries.py,service/statistics/exports/columns.py,service/statistics/exports/values.py,service/statistics/measures.py,service/statistics/periods.py,service/statistics/tallies.py,service/statistics/timelines.py,service/values.py

.PHONY: help install run test soak coverage mutants check fmt lint types imports openapi words translations lock bench bench-costs bench-visitors bench-books bench-numbers bench-sharing clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/dev ## Make .venv with all that tests and checks need

$(VENV)/runtime: requirements.lock setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --no-deps -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q service
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.lock
	$(PIP) --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

run: $(VENV)/runtime ## Serve the demo on SQLite, and print what to click and what to paste [PORT=8000]
	@$(BIN)/orchard demo --serve $(PORT)

test: install ## Run the tests, on SQLite and on a PostgreSQL that comes along [TESTS=tests/conversions]
	$(PYTEST) $(TESTS)

soak: install ## Run the long forms of the tests that have one, the ten thousand histories too
	$(PYTEST) -m "$(SOAKED)" --soak

coverage: install ## Run the tests without a long form and say which branches they took; all in the ledger and in PURE files
	$(PYTEST) -m "not soak" --cov --cov-report= $(TESTS)
	$(BIN)/coverage report --skip-covered
	$(BIN)/coverage report --include "$(PROVED)" --fail-under 100

mutants: install ## Break the ledger and the PURE files line by line, and see a test go red (an hour)
	$(BIN)/python -m tests.mutants

check: SOAKED = soak
check: install lint types imports openapi-check coverage soak ## Everything that must pass: format, lint, types, imports, contract, tests

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/hadolint Dockerfile

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

openapi: install ## Write openapi.yaml anew
	$(BIN)/orchard openapi > openapi.yaml

.PHONY: openapi-check
openapi-check:
	$(BIN)/orchard openapi | diff -u openapi.yaml -

fmt: install ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## Measure, and compare with the limits of this machine (PostgreSQL comes along, wrk must be there)
	$(BIN)/python -m tests.bench

bench-costs: install ## The part of it that writes docs/performance.md: what each request costs
	$(BIN)/python -m tests.bench costs

bench-visitors: install ## The part of it that is about who is a person
	$(BIN)/python -m tests.bench visitors

bench-books: install ## The part of it that is about the books
	$(BIN)/python -m tests.bench books

bench-sharing: install ## The part of it that is about the page of a customer and the quotes of browsers
	$(BIN)/python -m tests.bench sharing

bench-numbers: install ## The part of it that is about statistics and exports [BENCH_ORDERS=1000000]
	$(BIN)/python -m tests.bench numbers

words: ## Gather all that pages say into a template for translators [WORDS=words.pot]
	$(BIN)/pybabel -q extract -F pyproject.toml -k say -k say_many:1,2 -k message \
	  --no-location --sort-output --omit-header -o $(WORDS) service

translations: install words ## Bring the catalogues of service/translations up to date with the code
	for language in de fr es ar; do $(BIN)/pybabel -q update -i $(WORDS) -o service/translations/$$language.po \
	  -l $$language --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date; done
	rm $(WORDS)

lock: install ## Resolve the dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q setup.cfg --extra build --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements.lock
	$(BIN)/uv pip compile -q setup.cfg --all-extras --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements-dev.lock

clean: ## Remove what was made here, the demo's data too
	rm -rf $(VENV) var build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* mutants
