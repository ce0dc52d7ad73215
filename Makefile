# Thin on purpose: every recipe is what you would type yourself. `make help` lists the targets.

PYTHON ?= python3
ARGS ?=
UV := uv==0.13.9

VENV := .venv
BIN := $(VENV)/bin
# Only wheels whose hashes are in the lock are installed: nothing is compiled, nothing looked up,
# and nothing added that the lock leaves out on purpose (tool.uv in pyproject.toml).
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED := $(INSTALL) --no-deps --require-hashes --only-binary :all: --requirement
PROJECT := $(INSTALL) --no-deps --no-build-isolation --no-index --editable .

.DELETE_ON_ERROR:
.PHONY: help serve test lock deb image boot-test clean

help:
	@echo 'make serve   install what Luna needs into $(VENV), then serve (ARGS="--port 9000")'
	@echo 'make test    run the whole gate: style, types, structure, tests (ARGS="-k words")'
	@echo 'make deb     build the Debian package into dist/ (ARGS="--arch arm64 --debian 13")'
	@echo 'make image BOARD=virt-arm64   build a board'"'"'s firmware image into dist/image (as root)'
	@echo 'make boot-test                boot that image in QEMU, and try everything with it'
	@echo 'make lock    write both lock files anew, with the newest allowed versions'
	@echo 'make clean   remove $(VENV) and everything else that was generated'
	@echo 'PYTHON=python3.12 chooses another Python (3.11 or newer) when $(VENV) is made.'

serve: $(VENV)/serve-ready
	@$(BIN)/luna serve $(ARGS)

test: $(VENV)/test-ready
	@$(BIN)/python -m pytest $(ARGS)

$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { \
	  echo 'There is no $(PYTHON). Luna needs Python 3.11 or newer: apt install python3 python3-venv,' \
	    'or name yours with make PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Luna needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
	    'Name a newer one, for example: make PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo '$(PYTHON) cannot make virtual environments. On Debian: apt install python3-venv' >&2; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/serve-ready: $(VENV)/pyvenv.cfg requirements.lock pyproject.toml
	@echo 'Installing what Luna needs into $(VENV) (once) ...'
	@$(LOCKED) requirements.lock
	@$(PROJECT)
	@touch $@

$(VENV)/test-ready: $(VENV)/pyvenv.cfg requirements-test.lock pyproject.toml
	@echo 'Installing what the tests need into $(VENV) (once) ...'
	@$(LOCKED) requirements-test.lock
	@$(PROJECT)
	@touch $@

# Afterwards every pin is asked for as a wheel on both architectures and every Python: where one
# has none this fails, and then an older version has to be named in pyproject.toml.
lock:
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check $(UV)
	@.venv-lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header \
	  pyproject.toml --group build --output-file requirements.lock
	@.venv-lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header \
	  pyproject.toml --extra test --group build --constraint requirements.lock \
	  --output-file requirements-test.lock
	@for arch in x86_64 aarch64; do for version in 3.11 3.12 3.13 3.14; do \
	  .venv-lock/bin/uv pip compile --quiet --no-deps --only-binary :all: \
	    --python-version $$version --python-platform $$arch-manylinux_2_28 \
	    requirements-test.lock >/dev/null || exit 1; \
	done; done
	@echo 'Both locks are written, with wheels for x86_64 and aarch64, Python 3.11 to 3.14.'

deb:
	@image/deb/build $(ARGS)

image:
	@$(PYTHON) -m image.builder --board "$(BOARD)" $(ARGS)

boot-test: $(VENV)/test-ready
	@$(BIN)/python -m pytest $(wildcard tests/image/boot/check_*.py) $(ARGS)

clean:
	rm -rf $(VENV) .venv-lock build dist *.egg-info \
	  .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find appliance provisioning tests -name __pycache__ -type d -prune -exec rm -rf {} +
