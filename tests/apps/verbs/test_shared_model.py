"""A model that several ask for is loaded once, and again when its file changes."""

import threading
from pathlib import Path
from typing import Any

import torch

import becalm.model
from becalm.files.checkpoint import Checkpoint


def test_a_shared_model_is_loaded_once_and_again_when_its_file_changes(trained: Path) -> None:
    first = becalm.model.shared(trained)
    assert becalm.model.shared(trained) is first and becalm.model.shared(str(trained), "cpu") is first
    checkpoint = Checkpoint.read(trained)
    changed = {name: tensor + 1 for name, tensor in checkpoint.tensors.items()}
    Checkpoint(changed, checkpoint.config).write(trained)
    second = becalm.model.shared(trained)
    assert second is not first and second.digest != first.digest
    assert torch.equal(second.sample(count=2).data, becalm.model.load(trained).sample(count=2).data)


def test_many_who_ask_at_once_get_one_model(trained: Path) -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(becalm.model.shared(trained))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len({id(model) for model in found}) == 1
