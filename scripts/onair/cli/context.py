"""What every command shares."""

from pathlib import Path

INTERRUPTED = 130
"""Exit code after Ctrl-C."""
ROOT = Path(__file__).resolve().parents[3]
"""The repository: commands act on the clone that they were installed from."""
