"""All rules in one call, and the catalogue that explains them."""

from datetime import datetime
from pathlib import Path

import yaml
from change_world import KR, NEW, NOW, OLD, US, App, leaf_text, objects, past
from msgspec import convert

from onair.core.change import freeze, promotion, vanish
from onair.core.change.check import Circumstances, Side, Verdict, check
from onair.core.change.rules import RULES
from onair.core.gate.model import Body, Estate, Object
from onair.core.leaf import Leaf

ROOT = Path(__file__).resolve().parents[3]
DATA: dict[str, Body] = {
    file: yaml.safe_load((ROOT / file).read_text()) for file in (vanish.RETIRED, promotion.DELIVERY, freeze.FREEZE)
}
CLUSTERS = {"local-kr": {"environment": "local"}} | {leaf.cluster: {"environment": "prod"} for leaf in (KR, US)}
CLAIM = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\nspec: {volumeName: a}\n"
BLACK_FRIDAY = datetime.fromisoformat("2026-11-27T12:00:00-05:00")


def judge(
    before: list[Object],
    after: list[Object],
    texts: promotion.Texts | None = None,
    *,
    now: datetime = NOW,
    stays: bool = True,
    data: dict[str, Body] | None = None,
    delivers_to: tuple[str, ...] | None = None,
) -> Verdict:
    estate = Estate(after, clusters=CLUSTERS, data=DATA if data is None else data)
    around = Circumstances(now, lambda leaf: past((9, NEW)) if leaf == KR else past((9, OLD)), delivers_to=delivers_to)
    apps = [App("web")]
    return check(Side(before, apps), Side(estate.objects, apps if stays else []), estate, texts or {}, around)


def rules(found: Verdict) -> list[str]:
    return [x.rule for x in found.findings]


def test_nothing_changed_nothing_found() -> None:
    same = objects(CLAIM)
    assert judge(same, objects(CLAIM), now=BLACK_FRIDAY) == Verdict()


def test_each_rule_is_asked() -> None:
    other = objects(CLAIM.replace("volumeName: a", "volumeName: b"))
    assert rules(judge(objects(CLAIM), other)) == ["change/immutable"]
    assert rules(judge(objects(CLAIM), [])) == ["change/pruned"]
    assert rules(judge([], objects(CLAIM), now=BLACK_FRIDAY)) == ["freeze/window"]
    assert rules(judge([], [], {US.path: (leaf_text(OLD + ""), leaf_text(NEW))})) == ["promotion/soak"]
    gone = judge([], [], stays=False)
    assert (rules(gone), gone.vanishing) == (["change/vanishes"], ["prod-kr web"])


def test_a_freeze_of_prod_is_none_where_prod_does_not_follow() -> None:
    assert rules(judge([], objects(CLAIM, "local-kr"), now=BLACK_FRIDAY)) == []
    assert rules(judge([], objects(CLAIM), now=BLACK_FRIDAY, delivers_to=("local-kr",))) == []


def test_data_that_is_missing_guards_nothing_and_says_so() -> None:
    assert rules(judge([], [], data={})) == ["data/invalid"] * 3


def test_the_order_of_promotion_names_clusters_that_exist() -> None:
    delivery = convert(DATA[promotion.DELIVERY], promotion.Delivery)
    named = {*delivery.spec.promotion, *(rule.after for rule in delivery.spec.promotion.values())}
    prods = {path.parts[-3] for path in ROOT.glob("clusters/prod-*/facts/cluster.yaml")}
    assert named == prods
    assert Leaf("prod-us", "web").path.startswith("clusters/prod-us/")


def test_every_rule_that_is_found_is_explained_and_the_reverse() -> None:
    sources = "".join(
        path.read_text() for path in (ROOT / "scripts/onair/core/change").glob("*.py") if path.stem != "rules"
    )
    for rule in RULES:
        assert f'rule="{rule.id}"' in sources or f'"{rule.id}"' in sources, rule.id
        assert rule.why
        assert rule.bad
        assert rule.good
    known = {rule.id for rule in RULES}
    for area in ("change", "promotion", "freeze", "secret", "data"):
        for word in sources.split(f'rule="{area}/')[1:]:
            assert f"{area}/{word.split(chr(34))[0]}" in known
