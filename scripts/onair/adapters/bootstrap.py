"""Hands an empty cluster to Argo CD by kubectl, with the rights of whoever runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from onair.adapters import helm, kustomize, mirrors, toolchain
from onair.adapters.kube_api import FIELD_MANAGER
from onair.adapters.local import git
from onair.adapters.toolchain import Toolchain
from onair.core.day_zero import APPLIED, DEFINING, Objects, Stage, stages
from onair.core.finding import Finding, OnairError
from onair.core.progress import Reporter

ANSWER_SECONDS = 900


def render(root: Path, tree: Path, cluster: str, cache: Path, reporter: Reporter) -> list[Stage]:
    """Render what a cluster gets on day 0.

    Parameters
    ----------
    root
        The repository, whose toolchain renders.
    tree
        The commit, unpacked.

    Raises
    ------
    OnairError
        There is no such cluster, it lacks a part that day 0 needs, or a part does not render.
    """
    folder = tree / "clusters" / cluster / "infrastructure"
    known = sorted(path.parent.name for path in tree.glob("clusters/*/infrastructure"))
    if cluster not in known:
        mend = f"name one of: {', '.join(known)}"
        raise OnairError(Finding(rule="bootstrap/cluster", what=f"there is no cluster {cluster!r}", mend=mend))
    tools = toolchain.ensure(root, cache, reporter, only=["kustomize", "helm"])
    environment = mirrors.git_environment(root, mirrors.ensure(root, cache, reporter))
    found = parts_of(folder)
    if missing := sorted({"namespaces", "argocd"} - {*found}):
        what = f"{cluster} has no infrastructure/{missing[0]}, without which Argo CD cannot run"
        raise OnairError(Finding(rule="bootstrap/part", what=what, mend="add the leaf: onair check tells how"))
    return stages(rendered(folder, found, tools, environment))


def parts_of(folder: Path) -> list[str]:
    """Return the parts of day 0 that a cluster's ``folder`` has: nodes and names are not everywhere git's."""
    return [part for part in (*APPLIED, *DEFINING) if (folder / part).is_dir()]


def rendered(
    folder: Path, parts: Iterable[str], tools: Toolchain, environment: Mapping[str, str]
) -> dict[str, Objects]:
    """Render parts of a cluster's ``folder``, with the charts that they name.

    Raises
    ------
    OnairError
        A part does not render.
    """
    program, chart = tools.path("kustomize"), tools.path("helm")
    made: dict[str, Objects] = {}
    for part in parts:
        objects = kustomize.build(folder / part, binary=program, environment=environment)
        charts = [each for each in objects if each["kind"] == "Application"] if part in DEFINING else []
        for each in charts:
            objects += helm.template(each, binary=chart, environment=environment)
        made[part] = objects
    return made


@contextmanager
def unpacked(root: Path, commit: str) -> Iterator[Path]:
    """Unpack what day 0 needs of a commit.

    Raises
    ------
    OnairError
        There is no such commit.
    """
    try:
        with git.unpacked(root, commit, "apps", "clusters", "infrastructure") as tree:
            yield tree
    except subprocess.CalledProcessError as error:
        what = f"{commit}: {error.stderr.decode(errors='replace').strip()}"
        raise OnairError(Finding(rule="bootstrap/commit", what=what, mend="name a commit of this clone")) from error


class Target:
    """The cluster that a context of the user's kubeconfig names."""

    def __init__(self, context: str, program: str = "kubectl") -> None:
        found = shutil.which(program)
        if found is None:
            mend = "install it: https://kubernetes.io/docs/tasks/tools/"
            raise OnairError(Finding(rule="bootstrap/kubectl", what=f"{program} is not on PATH", mend=mend))
        self._command = [found, f"--context={context}"]
        self._context = context

    def empty(self, minor: str) -> bool:
        """Return whether nothing follows git there yet.

        Parameters
        ----------
        minor
            Version of Kubernetes that the platform is for, e.g. ``1.36``.

        Raises
        ------
        OnairError
            It does not answer, is of another version, or runs somebody's Argo CD.
        """
        server = json.loads(self._run("version", "--output=json"))["serverVersion"]
        is_ = f"{server['major']}.{str(server['minor']).rstrip('+')}"
        if is_ != minor:
            what = f"{self._context} runs Kubernetes {is_}, the platform is for {minor} (versions.kubernetes)"
            raise OnairError(Finding(rule="bootstrap/version", what=what, mend="name another context, or upgrade it"))
        kinds = self._run("api-resources", "--api-group=argoproj.io", "--output=name").split()
        if "applications.argoproj.io" not in kinds:
            return True
        listed = self._run("get", "applications.argoproj.io", "--all-namespaces", "--output=json")
        names = sorted(each["metadata"]["name"] for each in json.loads(listed)["items"])
        if names and "bootstrap" not in names:
            what = f"{self._context} runs another Argo CD already: its Applications are {', '.join(names[:5])}"
            mend = "name another context, or take that one away; nothing was changed"
            raise OnairError(Finding(rule="bootstrap/taken", what=what, mend=mend))
        return not names

    def apply(self, stage: Stage) -> None:
        """Apply a stage server-side, and wait until the next may begin.

        Raises
        ------
        OnairError
            The cluster refuses, or does not get ready.
        """
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(stage.objects)})
        words = ["apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "--filename=-"]
        self._run(*words, text=text)
        for each in stage.waits:
            self._run(*each)

    def _run(self, *words: str, text: str | None = None) -> str:
        try:
            done = subprocess.run(
                [*self._command, *words],
                input=text,
                capture_output=True,
                text=True,
                check=False,
                timeout=ANSWER_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise self._failed(words, f"no answer within {ANSWER_SECONDS} s") from error
        if done.returncode:
            raise self._failed(words, done.stderr.strip()[-600:])
        return done.stdout

    def _failed(self, words: Sequence[str], what: str) -> OnairError:
        mend = f"does kubectl --context={self._context} get nodes answer? Then again: what is there stays"
        return OnairError(Finding(rule="bootstrap/kubectl", what=f"kubectl {words[0]}: {what}", mend=mend))
