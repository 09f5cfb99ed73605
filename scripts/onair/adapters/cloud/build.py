"""Plans, applies and destroys the root modules, each with a saved plan and the state in the account's bucket."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from onair.adapters.cloud import listing, terraform
from onair.adapters.cloud.place import DATA, Place
from onair.core.cloud.facts import CloudSpec
from onair.core.cloud.names import rule_of
from onair.core.cloud.roots import BOOTSTRAP, Root, waves
from onair.core.facts import Facts
from onair.core.finding import Finding, OnairError
from onair.core.progress import Reporter

BOOTSTRAP_KEY = "bootstrap.tfstate"
CHANGED = 2
"""Exit code of ``terraform plan -detailed-exitcode`` where something would change."""


@dataclass(frozen=True)
class Estate:
    """All root modules of a clone in one place."""

    root: Path
    place: Place
    facts: Facts
    spec: CloudSpec

    @property
    def version(self) -> str:
        """Version of Terraform."""
        return self.facts.platform.spec.versions["terraform"]

    @property
    def region(self) -> str:
        """Region that the state lies in."""
        return self.facts.clusters[self.spec.home].spec.cloud_region

    @property
    def bucket(self) -> str:
        """Bucket of the states, as the bootstrap root names it."""
        return rule_of(self.facts.platform.spec.model_dump(by_alias=True)).name(f"state-{self.place.account}")

    @property
    def waves(self) -> list[list[Root]]:
        """What can be built at once, wave after wave."""
        return waves(each.name for each in self.facts.in_cloud())

    @property
    def regions(self) -> list[Root]:
        """The roots of the regions."""
        return [each for wave in self.waves for each in wave if each.folder == "regional"]

    def plan(self, each: Root) -> list[str]:
        """Plan one root and save the plan; returns what it would change, e.g. ``aws_vpc.main will be created``.

        Raises
        ------
        OnairError
            Terraform refuses.
        """
        self._ready(each)
        file = self._plan_file(each)
        done = self._run(
            each, "plan", "-no-color", "-lock-timeout=60s", "-detailed-exitcode", f"-out={file}", *self._state(each)
        )
        if done.code not in (0, CHANGED):
            raise OnairError(terraform.refused(each.name, "plan", done))
        saved = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "commit": self._commit()}
        file.with_suffix(".json").write_text(json.dumps(saved))
        return (_changes(done.output) or ["outputs"]) if done.code == CHANGED else []

    def apply(self, each: Root) -> None:
        """Apply the saved plan of one root, if it is the one that was saved, for this commit.

        Raises
        ------
        OnairError
            It is not, or Terraform refuses.
        """
        file = self._plan_file(each)
        self._same(each, file)
        done = self._run(each, "apply", "-no-color", "-lock-timeout=60s", *self._state(each), str(file))
        file.unlink()
        self._keep(each)
        if done.code:
            raise OnairError(terraform.refused(each.name, "apply", done))

    def destroy(self, each: Root) -> None:
        """Destroy what one root built.

        Raises
        ------
        OnairError
            Terraform refuses.
        """
        self._ready(each)
        done = self._run(each, "destroy", "-no-color", "-auto-approve", "-lock-timeout=60s", *self._state(each))
        if done.code:
            self._keep(each)
            raise OnairError(terraform.refused(each.name, "destroy", done))
        if each == BOOTSTRAP:
            self._state_file.unlink(missing_ok=True)

    def facts_of(self, each: Root) -> dict[str, object]:
        """Return the outputs of a root."""
        done = self._run(each, "output", "-json", *self._state(each))
        return {name: held["value"] for name, held in json.loads(done.output or "{}").items()}

    def region_facts(self, each: Root) -> dict[str, Any]:
        """Return output ``facts`` of a region's root.

        Raises
        ------
        OnairError
            Terraform knows nothing of the region.
        """
        held = self.facts_of(each).get("facts")
        if not isinstance(held, dict):
            what = f"Terraform's state has no outputs of {each.workspace}"
            raise OnairError(Finding(rule="cloud/outputs", what=what, mend="build it: onair cloud up"))
        return held

    # --- how each is run
    def _run(self, each: Root, *words: str) -> terraform.Ran:
        workspace = {"TF_WORKSPACE": each.workspace} if each.workspace else {}
        return terraform.run(
            self.root, each.folder, self.version, *words, data=each.name, extra={**self.place.environment, **workspace}
        )

    def _ready(self, each: Root) -> None:
        if each == BOOTSTRAP:
            self._fetch()
            terraform.init(self.root, each.folder, self.version, data=each.name, extra=self.place.environment)
            return
        backend = {"bucket": self.bucket, "region": self.region}
        words = [f"-backend-config={key}={value}" for key, value in backend.items()]
        if self.place.emulated:
            words.append("-backend-config=use_path_style=true")
        extra = self.place.environment
        terraform.init(self.root, each.folder, self.version, "-reconfigure", *words, data=each.name, extra=extra)
        if each.workspace:
            terraform.run(
                self.root, each.folder, self.version, "workspace", "select", "-or-create", each.workspace,
                data=each.name, extra=extra,
            )  # fmt: skip

    def _plan_file(self, each: Root) -> Path:
        file = (self.root / DATA / "plans" / f"{each.name}.tfplan").resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def _commit(self) -> str:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.root, capture_output=True, text=True, check=False)
        return head.stdout.strip()

    def _same(self, each: Root, file: Path) -> None:
        try:
            saved = json.loads(file.with_suffix(".json").read_text())
            is_ = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "commit": self._commit()}
        except (OSError, ValueError) as error:
            what, mend = f"{each.name} has no saved plan", "run: onair cloud plan"
            raise OnairError(Finding(rule="cloud/plan", what=what, mend=mend)) from error
        for key, meaning in (("sha256", "it is not the plan that was reviewed"), ("commit", "it is another commit's")):
            if saved.get(key) != is_[key]:
                what = f"the saved plan of {each.name} does not fit: {meaning}"
                raise OnairError(
                    Finding(rule="cloud/plan", what=what, mend="plan again: onair cloud plan; nothing was changed")
                )

    # --- the bootstrap root's state lies in the bucket that it makes, and is fetched from there
    @property
    def _state_file(self) -> Path:
        file = (self.root / DATA / f"bootstrap-{self.place.account}.tfstate").resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def _state(self, each: Root) -> Sequence[str]:
        return [f"-state={self._state_file}"] if each == BOOTSTRAP else []

    def _fetch(self) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        s3 = self.place.client("s3", self.region)
        try:
            held = s3.get_object(Bucket=self.bucket, Key=BOOTSTRAP_KEY)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchBucket", "NoSuchKey"):
                raise _state(error) from error
        else:
            self._state_file.write_bytes(held)

    def _keep(self, each: Root) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        if each != BOOTSTRAP or not self._state_file.is_file():
            return
        s3 = self.place.client("s3", self.region)
        try:
            s3.put_object(Bucket=self.bucket, Key=BOOTSTRAP_KEY, Body=self._state_file.read_bytes())
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":  # the apply failed before there was one
                raise _state(error) from error


def _state(error: Exception) -> OnairError:
    mend = f"the bootstrap root's state is kept in {DATA}: the same command goes on from there"
    return OnairError(Finding(rule="cloud/state", what=str(error), mend=mend))


def _changes(output: str) -> list[str]:
    """Return the lines of a plan that name a resource and what becomes of it."""
    return re.findall(r"^  # (.+ (?:will|must) be (?!read).+)$", output, re.MULTILINE)


Result = TypeVar("Result")


def up(estate: Estate, reporter: Reporter) -> None:
    """Build everything, wave after wave, what can be at once side by side."""

    def one(each: Root) -> None:
        with reporter.step(f"build {each.name}") as step:
            if not estate.plan(each):
                step.done("nothing to change")
            else:
                estate.apply(each)

    listing.note(estate.root, lambda: _listing(estate))
    for wave in estate.waves:
        _together(one, wave)


def _listing(estate: Estate) -> listing.Listing:
    regions = [each.spec.cloud_region for each in estate.facts.in_cloud()]
    return listing.take(estate.place, estate.region, regions, estate.spec.global_region)


def plan(estate: Estate, reporter: Reporter) -> list[str]:
    """Plan everything, side by side as nothing is changed; returns the names of roots that would change something."""

    def one(each: Root) -> bool:
        with reporter.step(f"plan {each.name}") as step:
            changes = estate.plan(each)
            step.done("changes" if changes else "no change")
        for change in changes:
            reporter.note(f"{each.name}: {change}")
        return bool(changes)

    every = [each for wave in estate.waves for each in wave]
    return [each.name for each, changed in zip(every, _together(one, every), strict=True) if changed]


def down(estate: Estate, reporter: Reporter) -> list[Finding]:
    """Destroy everything, the last wave first; returns what is there and was not before the first build."""

    def one(each: Root) -> None:
        with reporter.step(f"destroy {each.name}"):
            estate.destroy(each)

    for wave in reversed(estate.waves):
        _together(one, wave)
    before = listing.noted(estate.root)
    if before is None:
        reporter.note("what is left was not compared: it was built from another clone")
        return []
    with reporter.step("list what is left") as step:
        found = list(listing.left(before, _listing(estate)))
        step.done(f"{len(found)} left" if found else "nothing")
    if not found:
        listing.forget(estate.root)
    return found


def _together(action: Callable[[Root], Result], wave: Sequence[Root]) -> list[Result]:
    """Do all of a wave side by side; what goes wrong with one does not hide what goes wrong with another."""
    with ThreadPoolExecutor(max_workers=len(wave)) as pool:
        begun = [pool.submit(action, each) for each in wave]
        try:
            wait(begun)
        except KeyboardInterrupt:
            terraform.interrupt()  # and wait: a state that is not written loses what was built
            raise
    errors = [error for each in begun if (error := each.exception())]
    findings = [finding for error in errors if isinstance(error, OnairError) for finding in error.findings]
    if findings and all(isinstance(error, OnairError) for error in errors):
        raise OnairError(*findings)
    return [each.result() for each in begun]
