"""Chat of the shows: rooms over WebSockets, fanned out within a region and relayed between regions."""
