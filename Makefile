# Attune's commands, the same here and in CI. Every setting is an environment variable:
# `PORT=8001 make run`, `ATTUNE_MODEL=small make run`; docs/settings.md lists them.

VENV ?= .venv
PYTHON = $(VENV)/bin/python
PYTEST = $(PYTHON) -m pytest
# Two processes; an idle one takes over tests that wait for the other.
TWO = -n 2 --dist worksteal
# Only the tests of the API's description, which are slow, need schemathesis: 3 s of each process.
PLAIN = -p no:schemathesis --ignore tests/chatbot/api/test_api_description.py
# The tables as the models say: migrations take each process 6 s, and the other suites run them.
UNIT = -m "not slow" --nomigrations $(PLAIN) --ignore tests/live --ignore tests/inference/training
# Each process that a test starts would read every module of ours from its source again.
unexport PYTHONDONTWRITEBYTECODE
export ATTUNE_SHARED ?= ../shared
# vLLM's own environment; deploy/vllm/README.md says why it has one.
export VLLM_ENV ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/attune/vllm-cpu

export CHECKERS_ENV ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/attune/deploy-checks

.DEFAULT_GOAL := help
.PHONY: help run run-services models test test-unit test-slow test-services test-live vllm test-vllm bench-sentiment bench-retrieval bench-turn bench-chat bench-generation bench-console bench-growth bench-webhooks soak soak-webhooks tour check-deploy audit lint format clean

help: ## Show this page
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: $(VENV)/.installed ## Install, fetch the models, load the demo shop, start Attune
	@$(PYTHON) manage.py serve

run-services: $(VENV)/.installed ## The same on PostgreSQL and Redis: two web processes, worker, beat
	@deploy/local/debian-parts.sh postgresql redis-server
	@$(PYTHON) deploy/local/services.py --folder $${DATA_DIR:-data}/services \
	  $(PYTHON) manage.py serve

models: $(VENV)/.installed ## Show which model files are on this machine
	@$(PYTHON) manage.py models list

test: test-unit test-slow test-services test-live ## Run every test, after installing what they need

test-unit: $(VENV)/.installed-dev ## Run the fast tests: no network, broker, model or browser
	@$(PYTEST) $(UNIT) $(TWO)

test-slow: $(VENV)/.installed-dev ## Run the long tests of the same kind: every role's pages, hostile texts, training
	@$(PYTEST) -m slow --ignore tests/live $(TWO)

test-services: $(VENV)/.installed-dev ## Run the tests that PostgreSQL or Redis decides again, on these
	@deploy/local/debian-parts.sh postgresql redis-server
	@$(PYTHON) deploy/local/services.py $(PYTEST) -m services $(PLAIN) $(TWO) tests/chatbot tests/crm

test-live: $(VENV)/.installed-dev ## Run the tests with real models, browser, Redis, PostgreSQL; SEED=7: in that order
	@deploy/local/debian-parts.sh postgresql redis-server chromium nodejs npm iproute2
	@$(PYTEST) -m live tests/live -n 2 --dist loadfile --no-loadscope-reorder $(if $(SEED),--random-order --random-order-seed=$(SEED))

vllm: ## Install vLLM's CPU build into an environment of its own
	@deploy/vllm/install-cpu.sh $(VLLM_ENV)

test-vllm: $(VENV)/.installed-dev vllm ## Run the reply pipeline on real vLLM; as root, the stack without a way out
	@deploy/local/debian-parts.sh postgresql redis-server nginx chromium iproute2 curl
	@$(PYTEST) -m vllm tests/live

bench-sentiment: $(VENV)/.installed-dev ## Time the sentiment classifier against VADER and DistilBERT
	@$(PYTHON) -W ignore -m inference.benchmarks.sentiment_speed

bench-retrieval: $(VENV)/.installed-dev ## Time the index at 10,000 to a million passages, beside Milvus Lite
	@$(PYTHON) -W ignore -m inference.benchmarks.retrieval_speed

bench-turn: $(VENV)/.installed-dev ## Show what a turn costs: CPU, SQL statements, Redis commands
	@deploy/local/debian-parts.sh postgresql redis-server
	@$(PYTHON) -W ignore -m tests.load.bench_turn

bench-chat: $(VENV)/.installed-dev ## Load one web process with conversations, beside Chainlit
	@deploy/local/debian-parts.sh postgresql redis-server
	@$(PYTHON) -W ignore -m tests.load.bench_chat

bench-generation: $(VENV)/.installed-dev ## Compare Attune on vLLM with vLLM asked directly, and llama.cpp
	@deploy/local/debian-parts.sh postgresql redis-server
	@test -n "$(VLLM_URL)" || deploy/vllm/install-cpu.sh $(VLLM_ENV)
	@$(PYTHON) manage.py models fetch encoder chat-small
	@$(PYTHON) -W ignore -m tests.load.bench_generation

bench-console: $(VENV)/.installed-dev ## Time from a customer's message to the agents' screens
	@deploy/local/debian-parts.sh postgresql redis-server
	@$(PYTHON) -m tests.load.bench_console

bench-growth: $(VENV)/.installed-dev ## Time a turn of customers with 10 to 10,000 records, long conversations, many agents
	@$(PYTHON) manage.py models fetch encoder
	@$(PYTHON) -W ignore -m tests.load.bench_growth

bench-webhooks: $(VENV)/.installed-dev ## Events in and out per second, with one endpoint dead and one slow
	@deploy/local/debian-parts.sh postgresql redis-server
	@$(PYTHON) -m tests.load.bench_webhooks

soak: $(VENV)/.installed-dev ## Let a thousand clients talk while parts die, and compare the ledger
	@deploy/local/debian-parts.sh postgresql redis-server
	@$(PYTHON) -m tests.load.soak

soak-webhooks: $(VENV)/.installed-dev ## Let 10,000 events flow each way while parts are killed, and compare
	@deploy/local/debian-parts.sh postgresql redis-server
	@$(PYTHON) -m tests.load.soak_webhooks

tour: $(VENV)/.installed-dev ## Take the pictures of docs/tour.md again, light and dark
	@deploy/local/debian-parts.sh chromium
	@$(PYTHON) -m tests.live.tour

check-deploy: ## Check the Dockerfiles and the compose file
	@deploy/check.sh $(CHECKERS_ENV)

audit: $(VENV)/.installed check-deploy ## Ask the package index for known vulnerabilities of what is installed
	@$(CHECKERS_ENV)/bin/python deploy/audit.py $(VENV)/lib/python3.11/site-packages $(AUDIT)

lint: $(VENV)/.installed-dev ## Check style, format and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy .
	@$(PYTHON) -m pip check

format: $(VENV)/.installed-dev ## Mend style and format where a tool can
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

clean: ## Remove .venv and caches; your data and the models stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: requirements.txt
	@deploy/local/bootstrap.sh $(VENV) $@ $^

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt
	@deploy/local/bootstrap.sh $(VENV) $@ $^
