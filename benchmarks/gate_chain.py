"""What people piece together today: kubectl kustomize each leaf, then kubernetes-validate, then checkov; each a CLI."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.record import ROOT
from onair.adapters import mirrors, toolchain
from onair.adapters.second_opinion import CHECKOV, QUICKLY, VALIDATE, run_checkov, run_validate, version
from onair.core.finding import OnairError
from onair.core.paths import Paths
from onair.core.progress import Silent
from onair.core.second_opinion import Scan, Validation


@dataclass
class Chain:
    """The tools, and the environment in which remote bases come from mirrors, for a fair race."""

    kubectl: Path = field(init=False)
    environment: Mapping[str, str] = field(init=False)
    checkov: Path = ROOT / CHECKOV
    version: str = field(default_factory=lambda: version(ROOT))

    def __post_init__(self) -> None:
        """Find the programs.

        Raises
        ------
        FileNotFoundError
            If checkov's environment was not made.
        """
        cache = Paths.of().cache
        if not self.checkov.is_file():
            raise FileNotFoundError(f"{self.checkov}: make second-opinions builds its environment")
        self.kubectl = toolchain.ensure(ROOT, cache, Silent(), only=["kubernetes"]).path("kubectl")
        made = mirrors.git_environment(ROOT, mirrors.ensure(ROOT, cache, Silent()))
        self.environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **made}

    def render(self, root: Path, leaf: str, target: Path) -> bool:
        """Write what the leaf renders to; False where it does not render."""
        command = [str(self.kubectl), "kustomize", str(root / leaf)]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False, timeout=180)
        if done.returncode:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(done.stdout)
        return True

    def validate(self, folder: Path, program: Sequence[str] = VALIDATE) -> Validation:
        """Run kubernetes-validate over every file below ``folder``."""
        return run_validate(folder, _names(folder), self.version, program)

    def objections(self, folder: Path) -> set[str]:
        """Return what kubernetes-validate says against the files below ``folder``; that it breaks off is one too."""
        try:
            return {text for _, text in self.validate(folder, QUICKLY).failed}  # what it says, not how long it takes
        except OnairError as error:
            return {str(error)}

    def scan(self, folder: Path) -> Scan:
        """Run checkov over ``folder``."""
        return run_checkov(self.checkov, folder, "kubernetes")


def leaves(root: Path, cluster: str = "*") -> list[str]:
    """Return the folders of all leaves."""
    found = root.glob(f"clusters/{cluster}/*/*/kustomization.yaml")
    return sorted(path.parent.relative_to(root).as_posix() for path in found)


def touched(root: Path, files: Iterable[str]) -> list[str]:
    """Return leaves that an edit of ``files`` can change: of local-kr, or of the prod cluster whose file it is."""
    found: set[str] = set()
    for file in files:
        parts = Path(file).parts
        if parts[0] == "clusters" and parts[1] != "platform" and parts[2] != "facts":
            found.add("/".join(parts[:4]))
            continue
        cluster = parts[1] if parts[0] == "clusters" and parts[1] != "platform" else "local-kr"
        cluster = {"env-prod": "prod-kr", "region-us": "prod-us"}.get(parts[2] if len(parts) > 2 else "", cluster)
        part = f"/{parts[0]}/{parts[1]}" if len(parts) > 2 and parts[2] == "base" else ""
        found |= {leaf for leaf in leaves(root, cluster) if leaf.endswith(part)}
    return sorted(leaf for leaf in found if (root / leaf / "kustomization.yaml").exists())


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml"))
