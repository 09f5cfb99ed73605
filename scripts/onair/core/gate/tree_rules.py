"""The rules of the tree itself: what files are, what they name, and whether that renders."""

from __future__ import annotations

from onair.core.gate.model import Rule

_KUSTOMIZATION = "# apps/web/base/kustomization.yaml\nresources: [{}]\n"
_SET = "spec:\n  goTemplate: {}\n  generators: [{{git: {{directories: [{{path: clusters/prod-kr/apps/*}}]}}}}]\n"

RULES: tuple[Rule, ...] = (
    Rule(
        "tree/bom",
        "Kustomize hands it on, and tools differ in what they make of the first key",
        "\\xef\\xbb\\xbfkind: Service\n",
        "kind: Service\n",
    ),
    Rule(
        "tree/crlf",
        "values, scripts and hashes differ from those of a checkout elsewhere",
        "kind: Service\\r\n",
        "kind: Service\n",
    ),
    Rule(
        "tree/not-utf8",
        "YAML is UTF-8; Kustomize and the API server refuse anything else",
        "owner: Andr\\xe9\n",
        "owner: André\n",
    ),
    Rule(
        "tree/symlink-out",
        "Argo CD's repo-server refuses a whole repository that links out of itself",
        "apps/web/base/a.yaml -> /etc/passwd\n",
        "apps/web/base/a.yaml -> ../../common/a.yaml\n",
    ),
    Rule(
        "tree/symlink-broken",
        "nothing can read what stands there, and a link to itself keeps some readers busy",
        "apps/web/base/a.yaml -> a.yaml\n",
        "apps/web/base/a.yaml -> ../../common/a.yaml\n",
    ),
    Rule(
        "tree/too-large",
        "an object of that size fits neither etcd (1.5 MiB) nor a review",
        "# a file of 2 MiB\n",
        "# files of at most 1 MiB\n",
    ),
    Rule(
        "tree/missing-reference",
        "the leaves that use this kustomization do not render, and Argo CD keeps what it synced last",
        _KUSTOMIZATION.format("wrkload.yaml"),
        _KUSTOMIZATION.format("workload.yaml"),
    ),
    Rule(
        "tree/unreached",
        "whoever edits the file believes that it takes effect",
        _KUSTOMIZATION.format("workload.yaml") + "# network.yaml lies beside it\n",
        _KUSTOMIZATION.format("workload.yaml, network.yaml"),
    ),
    Rule(
        "render/failed",
        "Argo CD could not render it either: it would keep what it synced last and take no further change",
        "patches:\n- {target: {kind: Service}, patch: '- {op: remove, path: /spec/nothing}'}\n",
        "patches:\n- {target: {kind: Service}, patch: '- {op: remove, path: /spec/externalName}'}\n",
    ),
    Rule(
        "render/unsupported",
        "what it would bring cannot be told without a cluster, so it would go unchecked",
        "source: {repoURL: https://charts.example, chart: x, targetRevision: 1.0.0}\n",
        "source: {repoURL: https://github.com/x/x.git, path: charts/x, targetRevision: v1.0.0, helm: {}}\n",
    ),
    Rule(
        "render/no-program",
        "nothing can be rendered, so nothing can be checked",
        "# neither the toolchain's kustomize nor kubectl\n",
        "# onair toolchain kustomize helm\n",
    ),
    Rule(
        "tree/kinds",
        "what a cloud brings to its clusters is judged by these definitions, and by nothing without them",
        "published: https://github.com/x/x.git//crds/x.yaml?ref=main # in clusters/platform/kinds.yaml\n",
        "published: https://github.com/x/x.git//crds/x.yaml?ref=v1.2.3\n",
    ),
    Rule(
        "applicationset/unsupported",
        "what would be synced cannot be told without a cluster, so it would go unchecked",
        _SET.format("false"),
        _SET.format("true"),
    ),
    Rule(
        "applicationset/duplicate",
        "one Application overwrites the other, and which one is a matter of chance",
        "# clusters/prod-kr/apps/dns and clusters/prod-kr/infrastructure/dns\n",
        "# clusters/prod-kr/apps/names and clusters/prod-kr/infrastructure/dns\n",
    ),
    Rule(
        "applicationset/no-bootstrap",
        "nothing brings the cluster to follow git",
        "# no Application with source.path clusters/prod-kr/infrastructure/argocd\n",
        "kind: Application\nspec: {source: {path: clusters/prod-kr/infrastructure/argocd}}\n",
    ),
)
"""As ``onair explain`` tells of them; found while the tree is read and rendered, so none has a check of its own."""

WHY = {rule.id: rule.why for rule in RULES}
