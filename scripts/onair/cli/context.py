"""What every command shares."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
"""The repository: commands act on the clone that they were installed from."""
