"""Decisions about the clouds: facts, addresses, plans and what an audit must find."""
