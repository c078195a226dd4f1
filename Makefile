# Few targets, each doing its own set-up. `make demo` and `make test` need nothing but Debian 12.

TOPOLOGY ?= lvs-dr
PREFIX ?= /usr/local
UNITDIR ?= /etc/systemd/system
VENV := .venv
PYTHON := $(VENV)/bin/python
LAB := PYTHONPATH=netns-lab $(PYTHON) -m netns_lab
PYTEST := $(PYTHON) -m pytest
KERNEL_TESTS_TIMEOUT_S := 1500

.PHONY: demo test lint lab install clean packages

demo: packages $(VENV)/ready  ## two directors, two web servers, and everything that can happen to them
	$(LAB) demo

test: packages $(VENV)/ready  ## everything: on this machine, then inside the lab's kernel
	$(PYTEST) -m "not kernel"
	$(LAB) run --timeout $(KERNEL_TESTS_TIMEOUT_S) -- $(PYTEST) -m kernel -p no:cacheprovider

lint: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

lab: packages $(VENV)/ready  ## a shell in a topology: make lab TOPOLOGY=web-ha
	$(LAB) lab $(TOPOLOGY)

install:  ## the daemon in an environment of its own, and its systemd unit
	python3 -m venv $(DESTDIR)$(PREFIX)/lib/vrrpd
	$(DESTDIR)$(PREFIX)/lib/vrrpd/bin/pip install --quiet .
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(UNITDIR)
	ln -sf ../lib/vrrpd/bin/vrrpd $(DESTDIR)$(PREFIX)/bin/vrrpd
	sed 's|@PREFIX@|$(PREFIX)|g' systemd/vrrpd.service >$(DESTDIR)$(UNITDIR)/vrrpd.service

clean:
	rm -rf $(VENV) build *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

packages:
	@netns-lab/install-packages

$(VENV)/ready: pyproject.toml
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
