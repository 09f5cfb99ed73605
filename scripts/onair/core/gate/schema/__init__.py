"""Strict schemas of every kind, and what a schema cannot say: names, quantities, ranges, what must fit together."""
