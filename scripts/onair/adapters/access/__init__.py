"""Access records: taken in, kept and read."""
