"""Rules over many objects: what no single manifest can say. :mod:`.rules` lists them."""
