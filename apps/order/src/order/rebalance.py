"""How much stock a region should send to the other one: decisions only, no I/O."""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.1
"""Smallest part of what is left worth a transfer: below it both regions would pass the same units to and fro."""


@dataclass(frozen=True)
class Demand:
    """One region's side of a sale: units left, and units asked for lately."""

    left: int
    asked: int


def surplus(own: Demand, peer: Demand) -> int:
    """Return the units to send, 0 when the split is good enough.

    What is left is split by demand; a region without any counts as one unit, so that its viewers are not shut out.
    The region that has too much sends, and only when the other has less than half of its part.
    """
    left = own.left + peer.left
    weight_own, weight_peer = own.asked + 1, peer.asked + 1
    part_peer = left * weight_peer // (weight_own + weight_peer)
    units = min(part_peer - peer.left, own.left)
    if units < max(1, left * SHARE) or peer.left * 2 >= part_peer:
        return 0
    return units


def spread(total: int, buckets: int) -> list[int]:
    """Return `total` in `buckets` parts that differ by one at most."""
    part, more = divmod(total, buckets)
    return [part + (number < more) for number in range(buckets)]
