"""Catalogue: shows, products and prices out of PostgreSQL."""
