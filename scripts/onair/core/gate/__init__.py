"""The gate: what a change would do to every cluster, and what must not happen."""
