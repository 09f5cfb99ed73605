"""Viewers of a show: what they do from coming in to leaving, and what they notice of the platform's trouble."""
