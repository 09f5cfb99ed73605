"""What happens after a request: payments, expiry, transfers between the regions, all out of the database of order."""
