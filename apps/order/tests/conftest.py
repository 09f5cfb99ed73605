"""The world of two regions' order services."""

from order_world import make_regions, regions
from threaded_loop import loop_in_thread

__all__ = ["loop_in_thread", "make_regions", "regions"]
