# Two commands: `make up` (two regions run here) and `make test`. The logic is in `onair`, package scripts/onair.
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
COMPILE := ../$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11
PACKAGES = $(shell awk '!/^\#/ {print $$1}' $(1))
.PHONY: help up down status check test lint e2e bastion cloud second-opinions storm drill bench deps deps-dev lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' Makefile
up: .venv/onair.stamp ## start or repair both regions
	@$(BIN)/onair up
down: .venv/onair.stamp ## stop everything, leave nothing but the cache
	@$(BIN)/onair down
status: .venv/onair.stamp ## what runs, and what is wrong
	@$(BIN)/onair status
check: .venv/onair.stamp ## what the clusters would run, and what must not happen
	@$(BIN)/onair check
second-opinions: .venv/dev.stamp build/checkov/stamp ## kubernetes-validate and checkov over what the clusters would run
	@$(BIN)/onair second-opinion
test: lint build/ansible/stamp ## lint, types, unit and integration tests
	@$(BIN)/pytest --numprocesses auto -m "not e2e and not emulator" tests apps
lint: .venv/dev.stamp ## style and types
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy
e2e: .venv/dev.stamp ## tests on the real regions (starts and stops them)
	@$(BIN)/pytest -m e2e --maxfail 3 --ignore tests/e2e/bastion --ignore tests/e2e/nightly tests
cloud: .venv/dev.stamp ## the base clouds on an emulator: built, killed, mended, audited, destroyed; docs/reports/cloud.md
	@$(BIN)/pytest -m emulator tests/emulated
bastion: .venv/dev.stamp build/ansible/stamp ## boot a Debian here, make a bastion of it, break in, lose it, restore it; and its figures
	@ONAIR_BASTION_RECORD=docs/reports/bastion.md $(BIN)/pytest -m e2e tests/e2e/bastion
drill: .venv/dev.stamp ## every drill three times, and the high-availability report
	@$(BIN)/onair drill --all --runs 3 --record
storm: .venv/onair.stamp ## 100,000 purchases of 5,000 items while pods die and the link is cut; then the count
	@$(BIN)/onair storm --report
bench: .venv/dev.stamp ## measure, and write docs/reports/benchmarks.md
	@$(BIN)/python -m benchmarks
deps: ## install the Debian packages that the platform needs
	apt-get install --yes --no-install-recommends $(call PACKAGES,requirements/debian.txt)
deps-dev: deps ## and those that tests need
	apt-get install --yes --no-install-recommends $(call PACKAGES,requirements/debian-dev.txt)
lock: .venv/dev.stamp ## renew the hashed pins after a change of requirements/*.in
	@cd requirements && $(COMPILE) onair.in services.in dev.in --output-file dev.txt
	@cd requirements && $(COMPILE) checkov.in --output-file checkov.txt
	@cd requirements && $(COMPILE) ansible.in --output-file ansible.txt
	@cd requirements && for set in onair services assets; do $(COMPILE) --constraint dev.txt $$set.in --output-file $$set.txt; done

.venv/onair.stamp: requirements/onair.txt pyproject.toml
	@python3.11 -m venv .venv && $(PIP) --require-hashes --requirement $< && $(PIP) --no-deps --no-build-isolation --editable . && touch $@
.venv/dev.stamp: requirements/dev.txt .venv/onair.stamp
	@$(PIP) --require-hashes --requirement $< && touch $@
build/checkov/stamp: requirements/checkov.txt
	@python3.11 -m venv build/checkov && build/checkov/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $< && touch $@
build/ansible/stamp: requirements/ansible.txt .venv/dev.stamp
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/ansible
	@$(BIN)/uv pip install --quiet --python build/ansible/bin/python --require-hashes --requirement $< && touch $@
