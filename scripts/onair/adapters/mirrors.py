"""Git mirrors of upstream manifests, made from the same Go modules that the programs are built from.

Kustomizations name upstream's repository and tag. With :func:`git_environment` git reads these mirrors
instead: the same kustomization builds without the internet, and what is deployed fits what was built.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from onair.adapters import git_read, go
from onair.adapters.toolchain import FOLDER, load
from onair.core.finding import Finding, OnairError
from onair.core.progress import Reporter
from onair.core.toolchain import Mirror, Tool, mirror_settings

_FIXED = {
    # Nothing of the user's or the machine's settings may change the commit.
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_NAME": "onair" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "onair@localhost" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "@0 +0000" for who in ("AUTHOR", "COMMITTER")},
}


def ensure(root: Path, cache: Path, reporter: Reporter) -> Path:
    """Make every mirror have the tag of the pinned version; what is there already stays.

    Parameters
    ----------
    root
        The repository's top folder.
    cache
        Cache folder; a mirror is ``mirrors/<host>/<owner>/<name>.git``.

    Returns
    -------
    Path
        The folder ``mirrors``, for :func:`git_environment` or to be served.

    Raises
    ------
    OnairError
        A module cannot be had, or git failed.
    """
    base = cache / "mirrors"
    for tool in load(root).values():
        if tool.recipe.mirror and not _has(base, tool.recipe.mirror, tool.tag):
            with reporter.step(f"mirror {tool.recipe.mirror.repository} {tool.tag}"):
                _make(root, base, tool, tool.recipe.mirror)
    return base


def git_environment(root: Path, base: str | Path) -> dict[str, str]:
    """Return environment variables that make git read each mirrored repository below ``base``.

    Parameters
    ----------
    root
        The repository's top folder.
    base
        The mirrors' folder, or the URL they are served at.
    """
    mirrors = [tool.recipe.mirror for tool in load(root).values() if tool.recipe.mirror]
    settings = mirror_settings((mirror.repository for mirror in mirrors), str(base))
    return git_read.variables(settings)


def _path(base: Path, mirror: Mirror) -> Path:
    return base / f"{mirror.repository}.git"


def _has(base: Path, mirror: Mirror, tag: str) -> bool:
    # The tag is written last: a mirror that was interrupted does not have it.
    command = [
        "git",
        "-C",
        str(_path(base, mirror)),
        "rev-parse",
        "--verify",
        "--quiet",
        f"refs/tags/{tag}^{{tree}}",
    ]
    environment = {**os.environ, **_FIXED, "GIT_CEILING_DIRECTORIES": str(base)}
    return (
        _path(base, mirror).is_dir()
        and subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    )


def _make(root: Path, base: Path, tool: Tool, mirror: Mirror) -> None:
    source = go.module_folder(root / FOLDER / tool.name, tool.environment, tool.recipe.module, tool.name)
    repository = _path(base, mirror)
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            "GIT_DIR": str(repository),
            "GIT_WORK_TREE": str(source),
            "GIT_INDEX_FILE": f"{scratch}/index",
        }
        _git(environment, "init", "--quiet", "--bare", "--initial-branch=main", str(repository))
        _git(environment, "add", "--force", "--", *mirror.folders)
        tree = _git(environment, "write-tree")
        if mirror.below:
            _git(environment, "read-tree", "--empty")
            _git(environment, "read-tree", f"--prefix={mirror.below}/", tree)
            tree = _git(environment, "write-tree")
        commit = _git(environment, "commit-tree", tree, "-m", f"{tool.recipe.module} {tool.tag}")
        _git(environment, "update-ref", "refs/heads/main", commit)
        _git(environment, "update-ref", f"refs/tags/{tool.tag}", commit)


def _git(environment: dict[str, str], *arguments: str) -> str:
    if arguments[0] == "init":
        environment = {}
    done = subprocess.run(
        ["git", *arguments],
        env={**os.environ, **_FIXED, **environment},
        cwd=environment.get("GIT_WORK_TREE"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        what = f"git {arguments[0]} failed: {done.stderr.strip()}"
        raise OnairError(Finding(rule="mirrors/git", what=what, mend="remove the cache's folder mirrors"))
    return done.stdout.strip()
