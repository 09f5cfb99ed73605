"""``python -m catalog.migrate``: the name under which every released manifest calls the common runner."""

import sys

from onair_common.migrate import main

if __name__ == "__main__":
    sys.exit(main("catalog"))
