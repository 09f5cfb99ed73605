"""What a kustomization names is followed to the end; what is missing or left over is told."""

import pytest

from onair.core.gate.kustomization import missing_references, reach, references, unreached

LEAF = "clusters/kr/apps/web"
HEAD = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
FILES = {
    f"{LEAF}/kustomization.yaml": f"{HEAD}resources: [../../../../apps/web/base]\ncomponents: [../../facts]\n",
    "clusters/kr/facts/kustomization.yaml": f"{HEAD}resources: [cluster.yaml]\n",
    "clusters/kr/facts/cluster.yaml": "kind: Cluster\n",
    "apps/web/base/kustomization.yaml": f"{HEAD}resources: [a.yaml]\n",
    "apps/web/base/a.yaml": "kind: Service\n",
}


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("resources: [a.yaml, ../b]", ["base/a.yaml", "b"]),
        ("components: [../c]\nbases: [../d]", ["c", "d"]),
        ("patches: [{path: p.yaml, target: {kind: Job}}, {patch: '- op'}]", ["base/p.yaml"]),
        ("patchesJson6902: [{path: p.json}]\nreplacements: [{path: r.yaml}, {source: {kind: X}}]",
         ["base/p.json", "base/r.yaml"]),
        ("patchesStrategicMerge: [p.yaml, '{kind: Inline}']", ["base/p.yaml"]),
        ("patchesStrategicMerge:\n- |-\n  kind: Inline\n  metadata: {name: x}", []),
        ("configMapGenerator: [{name: x, files: [Corefile, key=dir/f.conf], envs: [e.env], literals: [a=b]}]",
         ["base/Corefile", "base/dir/f.conf", "base/e.env"]),
        ("secretGenerator: [{name: x, env: s.env}]", ["base/s.env"]),
        ("crds: [crd.yaml]\nconfigurations: [c.yaml]\nopenapi: {path: schema.json}",
         ["base/crd.yaml", "base/c.yaml", "base/schema.json"]),
        ("generators: [g.yaml]\ntransformers: [t.yaml]\nvalidators: [v.yaml]",
         ["base/g.yaml", "base/t.yaml", "base/v.yaml"]),
        ("helmCharts: [{name: x, valuesFile: v.yaml, additionalValuesFiles: [w.yaml]}]",
         ["base/v.yaml", "base/w.yaml"]),
        ("- no mapping", []),
        ("resources: [broken", []),
    ],
)  # fmt: skip
def test_every_field_that_names_a_file_is_read(text: str, targets: list[str]) -> None:
    assert [each.target for each in references("base", text)] == targets


@pytest.mark.parametrize(
    ("url", "pinned"),
    [
        ("https://github.com/a/b.git//m?ref=v1.2.3", True),
        ("https://github.com/a/b//m?ref=0123456789abcdef0123456789abcdef01234567&timeout=9s", True),
        ("github.com/a/b/m?ref=main", False),
        ("git@github.com:a/b.git", False),
    ],
)
def test_a_remote_base_is_told_from_a_folder_and_from_a_moving_one(url: str, pinned: bool) -> None:
    (found,) = references("base", f"resources:\n- {url}\n")
    assert found.remote
    assert (found.pinned, found.line) == (pinned, 2)


def test_a_leaf_is_followed_through_folders_and_cycles_end() -> None:
    cycle = {"apps/web/base/kustomization.yaml": f"{HEAD}resources: [a.yaml, ../../../{LEAF}]\n"}
    assert reach({**FILES, **cycle}, LEAF).files == FILES.keys()


@pytest.mark.parametrize("name", ["b.yaml", "../c", "../../../../etc/passwd"])
def test_a_reference_to_nothing_is_told_with_its_line(name: str) -> None:
    base = "apps/web/base/kustomization.yaml"
    files = {**FILES, base: f"{FILES[base]}patches:\n- path: {name}\n"}
    (found,) = missing_references([reach(files, LEAF), reach(files, LEAF)])
    assert (found.rule, found.file, found.line) == ("tree/missing-reference", base, 5)
    assert ("leads out" in found.what) == name.endswith("passwd")
    assert not missing_references([reach(FILES, LEAF)])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("apps/web/base/b.yaml", True),
        ("apps/components/x/kustomization.yaml", True),
        ("infrastructure/dns/base/Corefile", True),
        ("clusters/kr/apps/old/kustomization.yaml", True),
        ("clusters/platform/notes.yaml", True),
        ("clusters/platform/absences.yaml", False),
        ("apps/web/package.json", False),
        ("infrastructure/toolchain/helm/go.mod", False),
        ("infrastructure/bastion/roles/base/tasks/main.yaml", False),  # an Ansible role of that name
    ],
)
def test_what_looks_deployed_but_is_in_no_leaf_is_told(path: str, told: bool) -> None:
    text = "apiVersion: onair.dev/v1\n" if "absences" in path else "kind: Service\n"
    found = unreached({**FILES, path: text}, reach(FILES, LEAF).files)
    assert [(each.rule, each.file) for each in found] == [("tree/unreached", path)] * told
