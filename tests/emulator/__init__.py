"""An AWS that Terraform can build on: moto's server, with what it lacks for the roots in ``terraform/``.

It enforces nothing: what it accepted is not thereby secure. Nothing that runs against a real account imports it.
"""
