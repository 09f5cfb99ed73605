"""The rules about a change, as ``onair explain`` tells of them; `check` and `secrets` hold what finds a breach."""

from onair.core.change import freeze, promotion, secrets, vanish
from onair.core.gate.model import Rule

RULES = (
    Rule(
        "change/vanishes",
        vanish.WHY_VANISHED,
        "git rm -r clusters/prod-kr/apps/chat",
        "onair retire chat --reason 'nobody used it'",
    ),
    Rule(
        "change/retired-stands",
        "an entry for something that stands would let it vanish by an oversight",
        "applications:\n- {application: web, clusters: [local-kr], reason: moved} # and its leaf stands",
        "applications: []",
    ),
    Rule(
        "change/pruned",
        vanish.WHY_PRUNED,
        "kind: PersistentVolumeClaim # removed from git in one step",
        "kind: PersistentVolumeClaim\nmetadata:\n  annotations: {argocd.argoproj.io/sync-options: Prune=false}\n"
        "# synced so first, removed by a later change",
    ),
    Rule(
        "change/immutable",
        "the API server refuses to change the field on an object that exists (kubernetes/pkg/apis/*/validation), so "
        "that every sync fails; Argo CD goes on trying and nothing else of the Application is delivered",
        "kind: StatefulSet\nspec:\n  serviceName: postgres-v2 # was postgres",
        "kind: StatefulSet\nmetadata: {name: postgres-v2}\nspec:\n  serviceName: postgres-v2",
    ),
    Rule(
        "promotion/only-digests",
        promotion.WHY_ONLY,
        "a digest in clusters/prod-kr/apps/web, and apps/web/base, in one change",
        "two changes: apps/web/base first, then the digest in clusters/prod-kr/apps/web",
    ),
    Rule(
        "promotion/both-prods",
        promotion.WHY_BOTH,
        "a digest in clusters/prod-kr/apps/web and clusters/prod-us/apps/web in one change",
        "a digest in clusters/prod-kr/apps/web; a day later the same in clusters/prod-us/apps/web",
    ),
    Rule(
        "promotion/soak",
        promotion.WHY_SOAK,
        "prod-us takes what prod-kr took an hour ago",
        "prod-us takes what prod-kr has held for soakHours (clusters/platform/delivery.yaml), or what it ran before",
    ),
    Rule(
        "freeze/window",
        freeze.WHY,
        "a change of a prod cluster at the time of a show (clusters/platform/freeze.yaml)",
        "the same after the show; or a commit message with the line `Emergency: checkout answers 500`",
    ),
    Rule(
        "secret/found",
        secrets.WHY,
        "env: [{name: PGPASSWORD, value: the password itself}]",
        "envFrom: [{secretRef: {name: catalog-db}}] # declared in clusters/platform/secrets.yaml",
    ),
    Rule(
        "secret/unused-allowance",
        "an allowance that outlives its value would let the value in again unseen",
        "an entry in clusters/platform/allowed-secrets.yaml for a value that its file no longer holds",
        "spec: []",
    ),
    Rule(
        "data/invalid",
        "the rules go by these files: one that cannot be read guards nothing",
        'leadMinutes: "half an hour"',
        "leadMinutes: 30",
    ),
)
