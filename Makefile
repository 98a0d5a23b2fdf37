# Requires Python 3.11 or newer. Everything else is installed into .venv.
#
#   make run           run the platform at http://localhost:8000   (PORT=8001, MER_DATA_DIR=folder)
#   make test          run the test suite                          (ARGS="-k upload")
#   make faults        run the long fault campaigns            (ARGS="-k killed")
#   make lint          check formatting, types, import contracts, migrations, wording and JavaScript
#   make format        reformat the Python code
#   make docs          build the documentation site in site/
#   make bench         list the benchmarks, or run one             (NAME=startup)

SHELL := /bin/sh
PYTHON ?=
# Python compiles what is imported, when it is: of these libraries, that is the smaller part.
PIP := PYTHONUNBUFFERED=1 .venv/bin/python -m pip install --no-compile --disable-pip-version-check --no-input --progress-bar off

.PHONY: run test faults lint format docs bench install install-dev venv

run: install
	@exec .venv/bin/python manage.py serve

test: install-dev
	@exec .venv/bin/python -m tests $(ARGS)

faults: install-dev
	@exec .venv/bin/python -m tests --campaigns $(ARGS)

lint: install-dev
	@exec .venv/bin/python -m tests.lint

format: install-dev
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

docs: install-dev
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --clean

bench: install-dev
	@exec .venv/bin/python -m tests.bench $(NAME)

# .venv keeps a copy of the requirements that it was installed from: while they are the same, there is nothing to do.
install: venv
	@cmp -s requirements.txt .venv/installed-requirements.txt || { \
		echo "Installing the platform's libraries into .venv (about 1 GB, a few minutes, only once):"; \
		$(call pip_install,requirements.txt) && cp requirements.txt .venv/installed-requirements.txt; }

install-dev: venv
	@cat requirements.txt requirements-mlflow.txt requirements-dev.txt | cmp -s - .venv/installed-requirements-dev.txt || { \
		echo "Installing the platform's libraries and the development tools into .venv:"; \
		$(call pip_install,requirements-dev.txt) && cp requirements.txt .venv/installed-requirements.txt \
		&& cat requirements.txt requirements-mlflow.txt requirements-dev.txt > .venv/installed-requirements-dev.txt; }

# Show only the names of the packages that pip fetches, and its messages if it fails.
define pip_install
rm -f .venv/failed; { $(PIP) -r $(1) 2> .venv/pip-errors.txt || touch .venv/failed; } | awk ' \
	/^Collecting /{ sub(/[<>=!~;(\[].*/, "", $$2); printf " %s", $$2; fflush() } \
	/^Installing collected/{ printf "\nUnpacking …\n"; fflush() } ' \
&& { test ! -e .venv/failed || { echo; grep -v '^WARNING' .venv/pip-errors.txt; \
	echo "The installation failed; see above. Run the same command to try again."; exit 1; }; }
endef

venv:
	@.venv/bin/python -c "import pip" 2>/dev/null || { \
		for python in "$(PYTHON)" python3 python3.13 python3.12 python3.11 python3.14 python; do \
			if [ -n "$$python" ] && "$$python" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then \
				echo "Creating .venv with $$("$$python" --version) …"; \
				rm -rf .venv && exec "$$python" -m venv .venv; \
			fi; \
		done; \
		echo "Python 3.11 or newer with the venv module not found. Install it (on Debian or Ubuntu:"; \
		echo "apt install python3 python3-venv), or give its path: make run PYTHON=/path/to/python3.12"; \
		exit 1; }
