"""Writing configuration files whole, and only when they change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write(files: Mapping[Path, str], mode: int = 0o600) -> list[Path]:
    """Write each file whose content differs, through a temporary file beside it; one that fails leaves the old.

    Returns
    -------
    list of Path
        The files that were written.
    """
    changed = [
        path for path, content in files.items() if not path.exists() or path.read_text(encoding="utf-8") != content
    ]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".new")
        try:
            temporary.write_text(files[path], encoding="utf-8")
            temporary.chmod(mode)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    return changed
