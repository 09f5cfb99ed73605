"""A storm on the local regions."""

from __future__ import annotations

import base64
import json
import ssl
from contextlib import ExitStack
from pathlib import Path

from onair.adapters.local.platform import PLATFORM, LocalPlatform
from onair.adapters.local.rehearsal import Faults, rehearsal
from onair.adapters.shop import Seller, Shop
from onair.adapters.storm import run as storm
from onair.adapters.storm.books import Bookkeeper, in_pod
from onair.core.pki import CLUSTER_CA
from onair.core.progress import Reporter
from onair.core.storm.plan import StormPlan, timeline
from onair.core.storm.result import FaultRecord, StormResult

ACCOUNT = "/api/v1/namespaces/shop/secrets/seller-account"
ISSUER = "infrastructure/identity/base/config.json"


def run(local: LocalPlatform, plan: StormPlan, reporter: Reporter) -> StormResult:
    """Let a storm loose on both local regions; links are healed at the end, whatever happens.

    Raises
    ------
    OnairError
        If the platform is not local, not healthy or in use by another rehearsal, or cannot be counted.
    """
    with ExitStack() as stack:
        with reporter.step("the platform is well, and nobody else's"):
            stack.enter_context(rehearsal(local))
        return storm.run(plan, _world(local, plan, reporter), reporter)


def _world(local: LocalPlatform, plan: StormPlan, reporter: Reporter) -> storm.World:
    shops, clusters = shops_of(local), local.clusters
    with reporter.step(f"a seller and {plan.viewers} viewers come in"):
        seller = seller_of(local, shops[0])
        parts = [shop.viewers(plan.viewers // len(shops)) for shop in shops]

    def told(fault: FaultRecord) -> None:
        reporter.note(f"{fault.at:6.1f} s  {fault.what}: {fault.outcome}{'' if fault.ok else ' (failed)'}")

    return storm.World(
        shops=shops,
        books=bookkeepers(local),
        seller=seller,
        shoppers=[viewer for row in zip(*parts, strict=True) for viewer in row],
        goods=shops[0].goods(),
        trouble=Faults(local, timeline(plan, [c.name for c in clusters]), plan.seed, told),
        authority=authority_of(local),
        networks=[local.facts.platform.spec.pools.local],
    )


def authority_of(local: LocalPlatform) -> Path:
    """Return the certificate that the shop's addresses are trusted by."""
    return local.paths.pki(PLATFORM) / f"{CLUSTER_CA}.crt"


def shops_of(local: LocalPlatform) -> list[Shop]:
    """Return each region's shop, at its own address."""
    trust = ssl.create_default_context(cafile=str(authority_of(local)))
    ports = local.facts.platform.spec.edge.region_ports
    return [Shop(c.spec.region, f"https://localhost:{ports[c.name]}", trust) for c in local.clusters]


def seller_of(local: LocalPlatform, shop: Shop) -> Seller:
    """Sign the sample seller in, with the password that `up` drew.

    Raises
    ------
    OnairError
        If the shop does not let the seller in.
    """
    login = json.loads((local.root / ISSUER).read_text(encoding="utf-8"))["account"]["email"]
    found = local.regions[0].api.get(ACCOUNT) or {}
    return shop.seller(login, base64.b64decode(found["data"]["password"]).decode())


def bookkeepers(local: LocalPlatform) -> list[Bookkeeper]:
    """Return who reads each region's books."""
    kubectl = local.tools.path("kubectl")
    return [Bookkeeper(c.spec.region, in_pod(kubectl, local.paths.kubeconfig(c.name))) for c in local.clusters]
