"""``python -m onair``."""

from onair.cli.app import main

main()
