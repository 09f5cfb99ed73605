"""``onair up``: make the two local regions run, or repair what is missing of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from onair.adapters import facts_file, machine, mirrors
from onair.adapters.local import arrival, cgroups, delivery, git, kernel, network
from onair.adapters.local.images import ImageStore
from onair.adapters.local.platform import LocalPlatform
from onair.cli import console, status
from onair.cli.context import ROOT
from onair.core import preflight
from onair.core.finding import OnairError, errors
from onair.core.paths import Paths

CONVERGE_SECONDS = 900


def command() -> None:
    """Start both regions here and the shop in them; run again at any time, it repairs and goes on."""
    reporter = console.ConsoleReporter()
    paths = Paths.of()
    facts = facts_file.read(ROOT)
    findings = preflight.check(machine.collect(ROOT, paths), facts.platform.spec.edge.ports)
    if errors(findings):
        raise OnairError(*findings)
    console.render(findings, reporter.console)
    local = LocalPlatform.prepare(ROOT, reporter)
    mirrors.ensure(ROOT, paths.cache, reporter)
    kernel.note(paths)
    cgroups.join("onair/cli")
    with reporter.step("network"):
        network.ensure(local.topology)
    with reporter.step("hub and control planes"):
        local.start_hub()
        for region in local.regions:
            region.start_control_plane(local.supervisor)
        store = ImageStore(local)
        delivery.hub_ready(store, local)
    builds, services = store.platform(), store.services()
    with ThreadPoolExecutor() as pool:  # the layers of one kind are another's, so each kind is built in turn
        platform, shop = (pool.submit(store.ensure, each, reporter) for each in (builds, list(services.values())))
        built, digests = platform.result(), shop.result()
    images = {build.name: built[build.target] for build in builds}
    with ThreadPoolExecutor() as pool, reporter.step("push to the regions") as step:
        nodes = [pool.submit(region.start_nodes, local.supervisor, images) for region in local.regions]  # without git
        commit, pinned = delivery.publish(local, store, digests)
        step.done(f"{commit[:7]}" + (f", {pinned} leaves pinned to images of this machine" if pinned else ""))
        for each in nodes:
            each.result()
    with (
        reporter.step("regions"),
        git.unpacked(local.repository, commit, "apps", "clusters", "infrastructure") as tree,
        ThreadPoolExecutor() as pool,
    ):
        list(pool.map(lambda region: arrival.hand_over(local, region, tree), local.regions))
    local.start_edge()
    with reporter.step("Argo CD syncs") as step:
        try:
            delivery.wait_good(local, CONVERGE_SECONDS, step.note)
        except OnairError:
            status.show(local.inspect())  # which pod, and why
            raise
    status.show(local.inspect())
