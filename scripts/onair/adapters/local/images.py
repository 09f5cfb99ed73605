"""Builds images with buildah into the local registry: only what the registry does not have yet."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import yaml

from onair.adapters import go
from onair.adapters.local import git
from onair.adapters.local.platform import LocalPlatform
from onair.adapters.registry import Registry
from onair.core import hub, images
from onair.core.finding import Finding, OnairError
from onair.core.images import Build, PlatformImage
from onair.core.progress import Reporter, Step

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
CONTAINERFILE, BASE, CATALOGUE = "apps/Containerfile", "apps/base-image.yaml", "apps/images.yaml"


class ImageStore:
    """Images of one commit of the repository, in the platform's registry."""

    def __init__(self, local: LocalPlatform, commit: str = "HEAD") -> None:
        self.local, self.commit = local, git.run(local.root, "rev-parse", commit)
        self.registry = Registry(hub.registry_url(local.facts.platform))
        self._storage = local.paths.cache / "images"
        self._base_made = threading.Lock()

    def services(self) -> dict[str, Build]:
        """Return the build of every service that has a source folder, by name."""
        listed = git.run(self.local.root, "ls-tree", "-d", "--name-only", self.commit, "apps/").split()
        names = [Path(path).name for path in listed]
        return {name: self._service(name) for name in names if self._has(f"apps/{name}/src") and name != "common"}

    def platform(self) -> list[Build]:
        """Return the builds of the images that Kubernetes, Argo CD and the data stores run from."""
        listed = yaml.safe_load((self.local.root / CATALOGUE).read_text())
        recipe = [(self.local.root / path).read_text() for path in (CONTAINERFILE, BASE)]
        builds = []
        for target, entry in listed.items():
            image = PlatformImage.model_validate(entry)
            name = image.reference(self.local.tools.version)
            repository, _, tag = name.partition("/")[2].rpartition(":")
            # A built program lies in a folder named by its content; Envoy's version is in the tag.
            programs = [self.local.tools.path(name).parent.name for name in image.programs]
            found = images.key([*recipe, target, tag, *programs])
            builds.append(Build(target, repository, found, (tag,), tuple(image.programs), image.source, name=name))
        return builds

    def ensure(self, builds: list[Build], reporter: Reporter) -> dict[str, str]:
        """Build and push what is missing.

        Returns
        -------
        dict
            The digest in the registry by build target.

        Raises
        ------
        OnairError
            If a build fails; carries buildah's last lines.
        """
        digests = {b.target: self.registry.digest(b.repository, b.key_tag) for b in builds}
        missing = [b for b in builds if not digests[b.target]]
        if missing:
            with git.unpacked(self.local.root, self.commit, "apps", "requirements") as context:
                with self._base_made:
                    base = self._base(reporter)
                for build in missing:
                    with reporter.step(f"image {build.target}") as step:
                        self._build(build, base, context, step)
                    digests[build.target] = self.registry.digest(build.repository, build.key_tag)
        return {target: digest for target, digest in digests.items() if digest}

    def _service(self, name: str) -> Build:
        entries = git.run(self.local.root, "ls-tree", "--name-only", f"{self.commit}:apps/{name}").split()
        inputs = images.service_inputs(name, entries)
        return images.service_build(name, (git.run(self.local.root, "rev-parse", f"{self.commit}:{p}") for p in inputs))

    def _has(self, path: str) -> bool:
        command = ["git", "cat-file", "-e", f"{self.commit}:{path}"]
        return subprocess.run(command, cwd=self.local.root, capture_output=True, check=False).returncode == 0

    def _base(self, reporter: Reporter) -> str:
        """Return the base image, made by mmdebstrap from Debian's packages the first time."""
        text = (self.local.root / BASE).read_text()
        name, recipe = f"localhost/onair/base:{images.key([text])}", yaml.safe_load(text)
        inspect = self._command("inspect", "--type", "image", name)
        if subprocess.run(inspect, capture_output=True, check=False).returncode == 0:
            return name
        with reporter.step("image base") as step, tempfile.TemporaryDirectory() as folder:
            _run(_mmdebstrap(recipe, Path(folder) / "base.tar"), step)
            lines = ["FROM scratch", "ADD base.tar /"]
            lines += [f"ENV {key}={value}" for key, value in recipe["environment"].items()]
            (Path(folder) / "Containerfile").write_text("\n".join(lines) + "\n")
            _run(self._command("build", "--timestamp", "0", "--tag", name, folder), step)
        return name

    def _build(self, build: Build, base: str, context: Path, step: Step) -> None:
        local = f"localhost/onair/{build.target}:{build.key}"
        words = [
            "build",
            "--isolation",
            "chroot",
            "--layers",
            "--timestamp",
            "0",
            "--target",
            build.target,
            "--tag",
            local,
        ]
        words += [
            "--build-arg",
            f"BASE={base}",
            "--build-arg",
            f"VERSION={build.version}",
            "--file",
            f"{context}/{CONTAINERFILE}",
        ]
        if CA_BUNDLE.exists():
            words += ["--volume", f"{CA_BUNDLE}:{CA_BUNDLE}:ro"]
        with tempfile.TemporaryDirectory() as folder:
            for program in build.programs:
                shutil.copy2(self.local.tools.path(program), Path(folder) / program)
            words += ["--build-context", f"bin={folder}"]
            if build.source:
                words += ["--build-context", f"{build.target}-source={self._module(build.source)}"]
            _run(self._command(*words, str(context)), step)
        address = self.registry.address
        for tag in (build.key_tag, *build.tags):
            push = (
                "push",
                "--tls-verify=false",
                "--quiet",
                local,
                f"docker://{address}/{build.repository}:{tag}",
            )
            _run(self._command(*push), step)

    def _module(self, tool: str) -> Path:
        made = self.local.tools.tools[tool]
        folder = self.local.root / "infrastructure/toolchain" / tool
        return go.module_folder(folder, made.environment, made.recipe.module, tool)

    def _command(self, *words: str) -> list[str]:
        run = self.local.paths.run / "buildah"
        return [
            "buildah",
            "--root",
            str(self._storage),
            "--runroot",
            str(run),
            "--storage-driver",
            "overlay",
            *words,
        ]


def _mmdebstrap(recipe: dict[str, Any], target: Path) -> list[str]:
    words = [
        "mmdebstrap",
        f"--variant={recipe['variant']}",
        "--mode=root",
        f"--include={','.join(recipe['packages'])}",
    ]
    words += [f"--dpkgopt={option}" for option in recipe["dpkgOptions"]]
    words += [f"--aptopt={option}" for option in recipe["aptOptions"]]
    words += [f"--hook-dir={folder}" for folder in recipe.get("hookDirs", [])]
    return [*words, recipe["suite"], str(target)]


def _run(command: list[str], step: Step) -> None:
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            if line.strip():
                lines.append(line.rstrip())
                step.note(lines[-1][:100])
    if process.returncode:
        what = f"{Path(command[0]).name} ended with {process.returncode}: " + " | ".join(lines[-5:])
        raise OnairError(
            Finding(rule="images/build", what=what, mend="mend the cause named there; run the same command again")
        )
