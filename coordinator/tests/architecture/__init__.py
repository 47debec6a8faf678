"""The rules of docs/architecture.md, each as a check with planted violations. Run by test_architecture.py."""

from coordinator.tests.architecture import edges, records, running, style

RULES = [*edges.RULES, *records.RULES, *running.RULES, *style.RULES]
