# One command per job; each sets up what it needs. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help setup demo demo-lab test test-all lint docs lock bench lab-up lab-status lab-down clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## make .venv hold the locked environment
	@scripts/setup

demo: setup ## the main job on an embedded default: alerts in, pull requests out
	@scripts/demo

demo-lab: setup ## the closed loop on a real cluster: killed for memory, pull request, merged, applied, resolved
	@scripts/demo-lab

test: setup ## every check and test that CI runs
	@scripts/test

test-all: setup ## the same with the long campaigns
	@scripts/test --all

lint: setup ## the checks alone
	@scripts/check

docs: setup ## build the documentation into build/docs
	@scripts/docs

bench: setup ## measure against the peers; writes docs/benchmarks.md
	@scripts/bench

lab-up: setup ## a real Kubernetes, without Docker or on kind, built on first use
	@.venv/bin/python -m lab up --machines 2 --nodes 5

lab-status: setup ## what runs in the lab
	@.venv/bin/python -m lab status

lab-down: setup ## end the lab, leaving nothing
	@.venv/bin/python -m lab down

lock: setup ## write requirements/lock.txt anew
	@scripts/lock

clean: ## remove what the commands made inside the tree
	rm -rf .venv .ansible build .pytest_cache .mypy_cache .ruff_cache .hypothesis
