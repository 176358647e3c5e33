"""The files beside these tests can be imported by them; a judge and a classifier of the fixture's images."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
FIXTURE = str(Path(__file__).parents[1] / "fixtures" / "mnist")


@pytest.fixture(scope="session")
def judges(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """``judge`` and ``classifier`` of the fixture's images, as a domain names them."""
    from becalm_images.options import ClassifierOptions, JudgeOptions
    from becalm_images.verbs.train import classifier, judge

    folder = tmp_path_factory.mktemp("judges")
    files = {name: str(folder / f"{name}.safetensors") for name in ("judge", "classifier")}
    list(judge(JudgeOptions(data=FIXTURE, epochs=1, out=files["judge"])))
    list(classifier(ClassifierOptions(data=FIXTURE, epochs=1, out=files["classifier"])))
    return files
