"""Orders: holds on exclusive regional stock, orders that are paid once, transfers between the regions."""
