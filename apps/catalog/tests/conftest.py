"""A loop for tests that are not asynchronous."""

from threaded_loop import loop_in_thread

__all__ = ["loop_in_thread"]
