"""The world of two regions' order services."""

from order_world import loop_in_thread, make_regions, regions

__all__ = ["loop_in_thread", "make_regions", "regions"]
