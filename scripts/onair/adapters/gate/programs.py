"""Finds the programs that render, and the settings by which git reads mirrors."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from onair.adapters.gate import code
from onair.adapters.gate.cache import Cache, key_of
from onair.adapters.git_read import variables
from onair.core.finding import Finding, OnairError
from onair.core.gate.tree_rules import WHY
from onair.core.paths import Paths

_OWN = Path(__file__).resolve().parents[4]
_FILES = ("*.yaml", "*/go.mod", "*/go.sum")
_SOURCES = ("adapters/gate/programs.py", "adapters/toolchain.py", "core/toolchain.py")
_PINS = ("kustomize/go.mod", "kustomize/go.sum", "helm/go.mod", "helm/go.sum")
_TOOLCHAIN = Path("infrastructure/toolchain")
_WANTED = re.compile(r"sigs\.k8s\.io/kustomize/kustomize/v5 v(\d+)\.(\d+)")
_OFFERED = re.compile(r"Kustomize Version: v(\d+)\.(\d+)")


class _Kubectl(NamedTuple):
    """The kubectl on PATH, with what it says of its versions."""

    path: str
    said: str


class _Toolchain(NamedTuple):
    """What the toolchain's files say, as plain data.

    Attributes
    ----------
    binaries
        Where the programs are, or would be, by name.
    mirrors
        git's settings (key, value) by which it reads each mirror, by the mirror's folder.
    """

    binaries: dict[str, str]
    mirrors: dict[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class Programs:
    """Kustomize, Helm and git as a repository's toolchain pins them; looked for when they are first needed.

    Attributes
    ----------
    root
        The repository's top folder. One without a toolchain uses that of the repository which this onair comes from.
    store
        Remembers what the toolchain's files say: reading them takes as long as rendering a leaf.
    """

    root: Path
    store: Cache

    @cached_property
    def _home(self) -> Path:
        return self.root if (self.root / _TOOLCHAIN / "toolchain.yaml").exists() else _OWN

    @cached_property
    def pins(self) -> str:
        """What the versions are pinned by: content for cache keys."""
        files = [self._home / _TOOLCHAIN / each for each in _PINS]
        return "\0".join(file.read_text() if file.exists() else "" for file in files)

    @cached_property
    def _toolchain(self) -> _Toolchain:
        """The toolchain; an empty one where it cannot be read."""
        cache = Paths.of().cache
        files = sorted(file for form in _FILES for file in (self._home / _TOOLCHAIN).glob(form))
        parts = [part for file in files for part in (str(file.relative_to(self._home)), file.read_bytes())]
        key = key_of(code.named(*_SOURCES), str(cache), os.uname().machine, *parts)
        if (kept := self.store.get("toolchain", key)) is None:
            try:
                kept = tuple(_read(self._home, cache))
            except (OnairError, PermissionError):  # a user who may not read the platform's cache
                return _Toolchain({}, {})
            self.store.put("toolchain", key, kept)
        return _Toolchain(*kept)

    @cached_property
    def kustomize(self) -> tuple[str, ...]:
        """The command that renders a folder: the toolchain's, or kubectl's own where that is not built.

        Raises
        ------
        OnairError
            There is neither, or kubectl's is older and may render otherwise.
        """
        if pinned := self._pinned("kustomize"):
            return (str(pinned), "build")
        if self._kubectl:
            wanted, offered = _WANTED.search(self.pins), _OFFERED.search(self._kubectl.said)
            if wanted and offered and _numbers(offered) < _numbers(wanted):
                older = (
                    f"and kubectl's is {'.'.join(offered.groups())}, older than the pinned {'.'.join(wanted.groups())}"
                )
                raise OnairError(_absent("kustomize", older))
            return (self._kubectl.path, "kustomize")
        raise OnairError(_absent("kustomize", "nor is kubectl on PATH"))

    @cached_property
    def helm(self) -> Path:
        """The helm program: the toolchain's, or the one on PATH.

        Raises
        ------
        OnairError
            There is none.
        """
        found = self._pinned("helm") or shutil.which("helm")
        if found is None:
            raise OnairError(_absent("helm", "nor is it on PATH"))
        return Path(found)

    @property
    def helm_is_pinned(self) -> bool:
        """Tell whether helm is the toolchain's."""
        return self.helm.is_relative_to(Paths.of().cache)

    @cached_property
    def stand_in(self) -> str:
        """What marks results of programs other than the pinned ones: empty, or the program's version."""
        if self.kustomize[-1] == "build" or self._kubectl is None:
            return ""
        return self._kubectl.said

    @cached_property
    def _kubectl(self) -> _Kubectl | None:
        if (path := shutil.which("kubectl")) is None:
            return None
        done = subprocess.run([path, "version", "--client"], capture_output=True, text=True, check=False)
        return _Kubectl(path, done.stdout)

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """Settings by which git reads the platform's mirrors; what has none here is read from the network."""
        try:
            here = [pair for path, pairs in self._toolchain.mirrors.items() if Path(path).is_dir() for pair in pairs]
        except PermissionError:
            return {}
        return variables(here) if here else {}

    def _pinned(self, name: str) -> Path | None:
        found = Path(self._toolchain.binaries.get(name, ""))
        try:
            return found if found.is_file() else None
        except PermissionError:
            return None


def _read(home: Path, cache: Path) -> _Toolchain:
    from onair.adapters import toolchain  # noqa: PLC0415 - not needed where it is remembered
    from onair.core.toolchain import mirror_settings  # noqa: PLC0415

    base, found = cache / "mirrors", toolchain.locate(home, cache)
    wanted = [each.recipe.mirror.repository for each in found.tools.values() if each.recipe.mirror]
    return _Toolchain(
        binaries={name: str(found.binaries[name]) for name in ("kustomize", "helm") if name in found.binaries},
        mirrors={str(base / f"{each}.git"): mirror_settings([each], str(base)) for each in wanted},
    )


def _numbers(version: re.Match[str]) -> list[int]:
    return [int(each) for each in version.groups()]


def _absent(name: str, besides: str) -> Finding:
    return Finding(
        rule="render/no-program",
        what=f"{name} is not built, {besides}",
        why=WHY["render/no-program"],
        mend=f"run: onair toolchain (it builds {name} once)",
    )
