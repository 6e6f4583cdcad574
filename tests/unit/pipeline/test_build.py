from pathlib import Path

import pytest

from edgekit.errors import InputError
from edgekit.pipeline.build import plan
from edgekit.project.project import load_project


def test_a_profile_beside_the_project_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "edgekit.toml").write_text(
        'targets = ["board.toml"]\n[model]\nsource = "net.keras"\n[data]\nsource = "random"\n'
    )
    project = load_project(tmp_path / "project")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="board.toml: no such file"):
        plan(project)
    (tmp_path / "project" / "board.toml").write_text('extends = "nucleo-l4r5zi"\n')
    assert plan(project).targets == ("board.toml",)
