"""Finds the programs that render, and the settings by which git reads mirrors."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from onair.core.finding import Finding, OnairError
from onair.core.gate.tree_rules import WHY
from onair.core.paths import Paths

_OWN = Path(__file__).resolve().parents[4]
_PINS = ("kustomize/go.mod", "kustomize/go.sum", "helm/go.mod", "helm/go.sum")
_TOOLCHAIN = Path("infrastructure/toolchain")


@dataclass(frozen=True)
class Programs:
    """Kustomize, Helm and git as a repository's toolchain pins them; looked for when they are first needed.

    Attributes
    ----------
    root
        The repository's top folder. One without a toolchain uses that of the repository which this onair comes from.
    """

    root: Path

    @cached_property
    def _home(self) -> Path:
        return self.root if (self.root / _TOOLCHAIN / "toolchain.yaml").exists() else _OWN

    @cached_property
    def pins(self) -> str:
        """What the versions are pinned by: content for cache keys."""
        files = [self._home / _TOOLCHAIN / each for each in _PINS]
        return "\0".join(file.read_text() if file.exists() else "" for file in files)

    @cached_property
    def kustomize(self) -> tuple[str, ...]:
        """The command that renders a folder: the toolchain's, or kubectl's own where that is not built.

        Raises
        ------
        OnairError
            There is neither.
        """
        if pinned := self._pinned("kustomize"):
            return (str(pinned), "build")
        if kubectl := shutil.which("kubectl"):
            return (kubectl, "kustomize")
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
        if self.kustomize[-1] == "build":
            return ""
        done = subprocess.run([self.kustomize[0], "version", "--client"], capture_output=True, text=True, check=False)
        return done.stdout

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """Settings by which git reads the platform's mirrors; empty where there are none, then it reads the network."""
        from onair.adapters import mirrors, toolchain  # noqa: PLC0415 - not needed where every leaf is cached

        base = Paths.of().cache / "mirrors"
        try:
            recipes = [each.recipe for each in toolchain.load(self._home).values()]
            wanted = [each.mirror.repository for each in recipes if each.mirror]
            complete = wanted and all((base / f"{each}.git").is_dir() for each in wanted)
            return mirrors.git_environment(self._home, base) if complete else {}
        except (OnairError, PermissionError):  # a user who may not read the platform's cache
            return {}

    def _pinned(self, name: str) -> Path | None:
        from onair.adapters import toolchain  # noqa: PLC0415 - not needed where every leaf is cached

        try:
            found = toolchain.locate(self._home, Paths.of().cache).binaries.get(name)
            return found if found is not None and found.exists() else None
        except (OnairError, PermissionError):
            return None


def _absent(name: str, besides: str) -> Finding:
    return Finding(
        rule="render/no-program",
        what=f"{name} is not built, {besides}",
        why=WHY["render/no-program"],
        mend=f"run: onair toolchain (it builds {name} once)",
    )
