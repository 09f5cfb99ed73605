"""Measurements of the running platform; ``python -m benchmarks`` runs them and writes docs/reports/benchmarks.md."""
