"""The pinned programs of the local regions: what is built, in which order, and under which name."""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

KUBERNETES_LIBRARY = "k8s.io/apimachinery"
GOFLAGS = "-mod=readonly -trimpath -buildvcs=false -gcflags=all=-dwarf=false"
"""Nothing is told to a debugger: programs are stripped, and compiling without takes a tenth less time."""

_REQUIRE = re.compile(r"^\s*(?:require\s+)?(\S+) (v\S+)(?: // indirect)?$", re.MULTILINE)
_REPLACE = re.compile(r"^\s*(?:replace\s+)?(\S+)(?: v\S+)? => (\S+) (v\S+)$", re.MULTILINE)
_GO = re.compile(r"^go (\S+)$", re.MULTILINE)


class Mirror(BaseModel):
    """Folders of a module that stand in for its git repository (``host/owner/name``).

    Attributes
    ----------
    below
        The module's own folder in the repository, where it is not the top; tags begin with it, as Go wants them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: str
    folders: list[str] = Field(min_length=1)
    below: str = ""


class Recipe(BaseModel):
    """One entry of ``infrastructure/toolchain/toolchain.yaml``.

    Attributes
    ----------
    binaries
        None where only the module's files are wanted.
    needed_by
        ``regions`` for what they run or are made with, ``tests`` for what is built only when a test asks for it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: str
    binaries: dict[str, str] = {}
    stamps: dict[str, str] = {}
    tags: list[str] = []
    mirror: Mirror | None = None
    needed_by: Literal["regions", "tests"] = "regions"

    @model_validator(mode="after")
    def _of_use(self) -> "Recipe":
        if not self.binaries and self.mirror is None:
            raise ValueError("binaries, a mirror, or both")
        return self


class GoMod(NamedTuple):
    """What is read from a ``go.mod``: the Go version, and each module's version after replacement."""

    go: str
    versions: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> "GoMod":
        """Parse a ``go.mod``.

        Raises
        ------
        ValueError
            It has no ``go`` line.
        """
        go = _GO.search(text)
        if go is None:
            raise ValueError("no `go` line")
        versions = dict(_REQUIRE.findall(text))
        versions.update({old: version for old, new, version in _REPLACE.findall(text) if old == new})
        return cls(go.group(1), versions)


class Tool(NamedTuple):
    """A tool with its pins."""

    name: str
    recipe: Recipe
    mod: GoMod
    key: str

    @property
    def version(self) -> str:
        """The tool's version without the leading ``v``."""
        return self.mod.versions[self.recipe.module].removeprefix("v")

    @property
    def tag(self) -> str:
        """The git tag upstream gave this version."""
        below = self.recipe.mirror.below if self.recipe.mirror else ""
        return f"{below}/v{self.version}" if below else f"v{self.version}"

    @property
    def ldflags(self) -> str:
        """Linker flags: stripped, with the version stamps."""
        major, minor, *_ = self.version.split(".")
        values = {"version": self.version, "major": major, "minor": minor}
        return " ".join(
            [
                "-s",
                "-w",
                *(f"-X {name}={value.format(**values)}" for name, value in self.recipe.stamps.items()),
            ]
        )

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the Go client: no C, and exactly the Go version of the ``go`` line."""
        flags = f"{GOFLAGS} -tags={','.join(self.recipe.tags)}" if self.recipe.tags else GOFLAGS
        return {"CGO_ENABLED": "0", "GOTOOLCHAIN": f"go{self.mod.go}", "GOFLAGS": flags, "GOWORK": "off"}


def tool(name: str, recipe: Recipe, go_mod: str, go_sum: str, platform: str, *sources: str) -> Tool:
    """Join a recipe with its pins.

    Parameters
    ----------
    go_mod, go_sum
        The texts of the two files.
    platform
        ``os/arch`` the programs are for.
    sources
        Texts of the module's own Go files, where it has any.

    Raises
    ------
    ValueError
        ``go.mod`` does not require the recipe's module, or has no ``go`` line.
    """
    made = Tool(name, recipe, GoMod.parse(go_mod), "")
    if recipe.module not in made.mod.versions:
        raise ValueError(f"does not require {recipe.module}")
    inputs = [go_mod, go_sum, recipe.binaries, made.ldflags, made.environment, platform, *sources]
    content = json.dumps(inputs, sort_keys=True)
    return made._replace(key=hashlib.sha256(content.encode()).hexdigest()[:16])


def build_order(tools: Iterable[Tool]) -> list[Tool]:
    """Sort tools so that those with the same Kubernetes library follow each other.

    Go compiles a package once for each version of it; neighbours find theirs in the build cache while it is
    still in memory. Tools without the library are small and go first.
    """
    return sorted(tools, key=lambda t: (t.mod.versions.get(KUBERNETES_LIBRARY, ""), t.name))


def mirror_settings(repositories: Iterable[str], base: str) -> list[tuple[str, str]]:
    """Return git settings (key, value) that read each ``host/owner/name`` from below ``base``."""
    return [
        (f"url.{base.rstrip('/')}/{name}.git.insteadOf", f"https://{name}{suffix}")
        for name in repositories
        for suffix in ("", ".git")  # git takes the longest match, so both spellings lead to the mirror
    ]
