from pathlib import Path

import pytest

from onair.adapters.toolchain import load
from onair.core.toolchain import GoMod, Recipe, Tool, build_order, mirror_settings, tool

GO_MOD = """module onair.dev/toolchain/x

go 1.27.0

tool example.com/x/cmd/x

require (
\texample.com/x v1.36.3 // indirect
\tk8s.io/apimachinery v0.0.0 // indirect
)

replace k8s.io/apimachinery => k8s.io/apimachinery v0.36.3
replace (
\texample.com/old => example.com/fork v9.9.9
)
"""
RECIPE = Recipe(
    module="example.com/x", binaries={"x": "example.com/x/cmd/x"}, stamps={"example.com/x.v": "v{version}-{minor}"}
)


def made(name: str, library: str = "") -> Tool:
    versions = {"example.com/x": "v1.0.0"} | ({"k8s.io/apimachinery": library} if library else {})
    return Tool(name, RECIPE, GoMod("1.27.0", versions), "key")


def test_versions_come_from_go_mod() -> None:
    x = tool("x", RECIPE, GO_MOD, "", "linux/amd64")
    assert (x.version, x.tag, x.mod.go) == ("1.36.3", "v1.36.3", "1.27.0")
    assert x.mod.versions["k8s.io/apimachinery"] == "v0.36.3"
    assert x.ldflags == "-s -w -X example.com/x.v=v1.36.3-36"
    assert x.environment["GOTOOLCHAIN"] == "go1.27.0"


@pytest.mark.parametrize("go_mod", ["module x\n", GO_MOD.replace("\texample.com/x v1.36.3 // indirect\n", "")])
def test_a_module_file_that_does_not_fit_is_refused(go_mod: str) -> None:
    with pytest.raises(ValueError, match=r"no `go` line|does not require"):
        tool("x", RECIPE, go_mod, "", "linux/amd64")


def test_a_tool_is_of_use() -> None:
    with pytest.raises(ValueError, match="binaries, a mirror, or both"):
        Recipe(module="example.com/x")


def test_the_key_changes_with_all_that_changes_a_program_and_nothing_else() -> None:
    def key(
        recipe: Recipe = RECIPE,
        *sources: str,
        go_mod: str = GO_MOD,
        go_sum: str = "",
        target: str = "linux/amd64",
    ) -> str:
        return tool("x", recipe, go_mod, go_sum, target, *sources).key

    changed = [
        key(go_mod=GO_MOD.replace("1.27.0", "1.27.1")),
        key(go_sum="h1"),
        key(RECIPE, "package main"),
        key(RECIPE, "package main // changed"),
        key(target="linux/arm64"),
        key(RECIPE.model_copy(update={"stamps": {}})),
        key(RECIPE.model_copy(update={"tags": ["slim"]})),
        key(RECIPE.model_copy(update={"binaries": {"y": "example.com/x/cmd/x"}})),
    ]
    assert len({key(), *changed}) == len(changed) + 1
    mirrored = Recipe.model_validate({**RECIPE.model_dump(), "mirror": {"repository": "r", "folders": ["f"]}})
    assert key(mirrored) == key()


def test_tools_with_the_same_kubernetes_library_are_neighbours() -> None:
    tools = [made("d", "v0.37.0"), made("a", "v0.36.3"), made("c"), made("e", "v0.36.3"), made("b", "v0.37.0")]
    assert [x.name for x in build_order(tools)] == ["c", "a", "e", "b", "d"]


def test_build_tags_reach_the_go_client() -> None:
    tagged = RECIPE.model_copy(update={"tags": ["remove_all_sd", "enable_kubernetes_sd"]})
    flags = tool("x", tagged, GO_MOD, "", "linux/amd64").environment["GOFLAGS"]
    assert flags.endswith(" -tags=remove_all_sd,enable_kubernetes_sd")
    assert "-tags" not in tool("x", RECIPE, GO_MOD, "", "linux/amd64").environment["GOFLAGS"]


def test_mirrors_replace_both_spellings() -> None:
    assert mirror_settings(["github.com/a/b"], "/m/") == [
        ("url./m/github.com/a/b.git.insteadOf", "https://github.com/a/b"),
        ("url./m/github.com/a/b.git.insteadOf", "https://github.com/a/b.git"),
    ]


def test_every_tool_of_the_repository_has_its_pins(root: Path) -> None:
    tools = load(root)
    folders = {path.parent.name for path in root.glob("infrastructure/toolchain/*/go.mod")}
    assert tools.keys() == folders
    assert tools["kubernetes"].version.startswith("1.36.")
    for x in tools.values():
        go_mod = (root / "infrastructure/toolchain" / x.name / "go.mod").read_text()
        for package in x.recipe.binaries.values():
            assert f"{package}\n" in go_mod, "a binary without its `tool` line in go.mod"


def test_prometheus_release_is_its_modules_version(root: Path) -> None:
    """Upstream tags release 3.M.P as module v0.3MM.P, since its import path has no /v3."""
    made = load(root)["prometheus"]
    zero, joined, patch = made.version.split(".")
    assert (zero, joined[0]) == ("0", "3")
    release = f"3.{int(joined[1:])}.{patch}"
    assert set(made.recipe.stamps.values()) == {release}
    assert f'"registry.onair.test/onair/prometheus:{release}"' in (root / "apps/images.yaml").read_text()


SHARED = (
    "github.com/go-logr/logr",
    "github.com/prometheus/client_golang",
    "go.opentelemetry.io/otel",
    "golang.org/x/crypto",
    "golang.org/x/net",
    "golang.org/x/text",
    "google.golang.org/grpc",
    "google.golang.org/protobuf",
    "k8s.io/client-go",
    "k8s.io/klog/v2",
    "k8s.io/kube-openapi",
)
"""What thousands of packages stand on: another version of one is another compilation of all of those."""
APART = {"actionlint", "argo-rollouts", "kustomize"}
"""Of tests only; of an older Kubernetes; and all of it as Argo CD's own kustomize has it, small."""
OLDER = {("vertical-pod-autoscaler", "github.com/prometheus/client_golang"): "v1.24.1"}
"""What does not compile with the newer one."""


@pytest.mark.parametrize("module", SHARED)
def test_programs_share_one_version_of_what_they_stand_on(root: Path, module: str) -> None:
    versions: dict[str, set[str]] = {}
    for file in sorted((root / "infrastructure/toolchain").glob("*/go.mod")):
        found = GoMod.parse(file.read_text(encoding="utf-8")).versions.get(module)
        if found and file.parent.name not in APART and OLDER.get((file.parent.name, module)) != found:
            # Kubernetes' own modules follow its minor versions: v0.36.x with v0.36.x.
            line = found.rsplit(".", 1)[0] if module == "k8s.io/client-go" else ""
            versions.setdefault(line, set()).add(found)
    assert versions
    assert all(len(each) == 1 for each in versions.values()), versions
