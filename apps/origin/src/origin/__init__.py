"""Video origin: a camera stand-in publishes fMP4 HLS; the other region relays it and takes over when it is lost."""
