"""One small model for all tests of the latent route."""

import pytest
from latent_model import Trained, made


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model trained for a few seconds, with its data and its encoders."""
    return made(tmp_path_factory.mktemp("latent"))
