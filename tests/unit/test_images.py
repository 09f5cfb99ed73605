import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from onair.core.images import ALSO, NOT_IN_IMAGE, SHARED, PlatformImage, key, service_build, service_inputs


def test_manifests_and_tests_of_a_service_make_no_new_image(root: Path) -> None:
    inputs = service_inputs("web", ["tests", "src", "base", "package.json"])
    assert inputs == [*SHARED, "apps/web/package.json", "apps/web/src"]
    assert not [path for path in inputs if path.rpartition("/")[2] in NOT_IN_IMAGE]
    assert all((root / path).exists() for path in SHARED), "an input that is not there is no input"


def test_the_version_follows_the_inputs_alone() -> None:
    build = service_build("web", ["a", "b"])
    assert build == service_build("web", iter(["a", "b"]))
    assert build.key_tag == f"key-{build.key}"
    assert build.key.startswith(build.version)
    assert {service_build("web", x).key for x in (["b", "a"], ["a", "c"], ["a", "b", ""])}.isdisjoint({build.key})
    assert key(["ab", "c"]) != key(["a", "bc"])


def test_every_platform_image_names_a_registry_repository_and_pinned_tag(root: Path) -> None:
    for target, entry in yaml.safe_load((root / "apps/images.yaml").read_text()).items():
        image = PlatformImage.model_validate(entry)
        repository, _, tag = image.reference(lambda tool: f"1.2.3-{tool}").rpartition(":")
        assert repository, target
        assert tag not in ("", "latest"), target
        assert "{" not in tag, target
        assert ("." in image.name.partition("/")[0]) or ":" in image.name.partition("/")[0], "no registry's host"


def test_versions_are_filled_in() -> None:
    image = PlatformImage(name="quay.io/argoproj/argocd:v{argocd}", programs=["argocd"])
    assert image.reference({"argocd": "3.6.1"}.__getitem__) == "quay.io/argoproj/argocd:v3.6.1"
    with pytest.raises(ValidationError):
        PlatformImage.model_validate({"name": "a/b:1", "program": "x"})


def test_what_an_image_holds_of_other_services_is_among_its_inputs(root: Path) -> None:
    stages = re.compile(r"^FROM base AS source-(\w+)\nCOPY (.+) /opt/onair/src/$", re.MULTILINE)
    copied = dict(stages.findall((root / "apps/Containerfile").read_text()))
    for name, paths in copied.items():
        assert paths.split() == ["apps/common/src", *ALSO.get(name, ()), f"apps/{name}/src"]
    assert copied.keys() >= {"web", *ALSO}
    assert service_inputs("worker", ["src"]) == [*SHARED, "apps/order/src", "apps/worker/src"]
