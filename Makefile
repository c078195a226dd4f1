# Few targets, each doing its own set-up. `make demo` and `make test` need nothing but Debian 12.

TOPOLOGY ?= lvs-dr
PREFIX ?= /usr/local
UNITDIR ?= /etc/systemd/system
VENV := .venv
PYTHON := $(VENV)/bin/python
LAB := PYTHONPATH=netns-lab $(PYTHON) -m netns_lab
GUEST = $(LAB) run --timeout $(KERNEL_TESTS_TIMEOUT_S) --
PYTEST := $(PYTHON) -m pytest
KERNEL_TESTS_TIMEOUT_S := 1500
# Each has 1,000 configurations.
FUZZ_ROUNDS := 100
# What decides and does no I/O: every branch of it is to be taken by its own tests.
DECISIONS := vrrpd.protocol vrrpd.recording vrrpd.balancer ipvs.diff healthcheck.verdict
DECISION_TESTS := tests/protocol tests/recording tests/balancer tests/ipvs/test_diff.py tests/healthcheck/test_verdict.py

.PHONY: bench bytecode demo fuzz test test-daemons test-kernel lint lab install uninstall clean packages

demo: packages bytecode  ## two directors, two web servers, and everything that can happen to them
	$(LAB) demo

test: packages bytecode  ## everything: on this machine, then inside the lab's kernel
	$(PYTEST) -q $(DECISION_TESTS) --cov-branch --cov-fail-under=100 $(DECISIONS:%=--cov=%) --cov-report=term-missing:skip-covered
	$(PYTEST) -m "not kernel"
	@echo "Two guests run beside each other now; what each says is shown when it ends, after some 15 minutes."
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line test-daemons test-kernel

# A guest has one CPU, so the tests that want a kernel run in two guests, each with about half of the work.
test-daemons: packages bytecode
	$(GUEST) $(PYTEST) -q -m kernel -p no:cacheprovider tests/lab tests/interop/test_balancing.py

test-kernel: packages bytecode
	$(GUEST) $(PYTEST) -q -m kernel -p no:cacheprovider --ignore=tests/lab --ignore=tests/interop/test_balancing.py

fuzz: packages $(VENV)/ready  ## 100,000 configurations that nobody would write; says how many, how long, how much memory
	VRRPD_FUZZ_ROUNDS=$(FUZZ_ROUNDS) $(PYTEST) -q -p no:cacheprovider tests/fuzz

bench: packages $(VENV)/ready  ## side by side with keepalived
	$(PYTHON) -m bench

lint: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

lab: packages $(VENV)/ready  ## a shell in a topology: make lab TOPOLOGY=web-ha
	$(LAB) lab $(TOPOLOGY)

install:  ## the daemon in an environment of its own, and its systemd unit; nothing is started
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" UNITDIR="$(UNITDIR)" systemd/install

uninstall:
	rm -rf "$(DESTDIR)$(PREFIX)/lib/vrrpd" "$(DESTDIR)$(PREFIX)/share/doc/vrrpd"
	rm -f "$(DESTDIR)$(PREFIX)/bin/vrrpd" "$(DESTDIR)$(UNITDIR)/vrrpd.service"

clean:
	rm -rf $(VENV) build *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A daemon that has to be translated first is not back before its peers have noticed.
bytecode: $(VENV)/ready
	@$(PYTHON) -m compileall -q vrrpd healthcheck ipvs netns-lab

packages:
	@netns-lab/install-packages

$(VENV)/ready: pyproject.toml
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
