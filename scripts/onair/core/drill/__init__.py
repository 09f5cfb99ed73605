"""Rehearsed failures: what is broken, what must go on, and how it is judged."""
