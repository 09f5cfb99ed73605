"""Commands and how they look; decisions live in ``core``, the outside world in ``adapters``."""
