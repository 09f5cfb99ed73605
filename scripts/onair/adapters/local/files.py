"""Writing configuration files whole, and only when they change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write(files: Mapping[Path, str], mode: int = 0o600) -> list[Path]:
    """Write each file whose content differs, through a temporary file beside it.

    Returns
    -------
    list of Path
        The files that were written.
    """
    changed = [path for path, content in files.items() if not path.exists() or path.read_text() != content]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".new")
        temporary.write_text(files[path])
        temporary.chmod(mode)
        temporary.replace(path)
    return changed
