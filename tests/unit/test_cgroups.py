from pathlib import Path

from onair.adapters.local import cgroups


def test_a_cgroup_that_goes_away_while_it_is_looked_for_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "pods/one").mkdir(parents=True)
    found = []
    for folder in cgroups._folders(tmp_path):
        found.append(folder.name)
        if folder.name == "pods":
            (folder / "one").rmdir()
    assert found == [tmp_path.name, "pods"]
