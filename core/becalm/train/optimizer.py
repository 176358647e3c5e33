"""The optimisers of a training."""

import torch
from torch import nn

from becalm.train.muon import Muon, is_matrix
from becalm.train.settings import Training


def optimizers(weights: list[nn.Parameter], training: Training) -> list[torch.optim.Optimizer]:
    """AdamW for all weights, or Muon for the matrices and AdamW for the rest."""
    matrices = [weight for weight in weights if training.optimizer == "muon" and is_matrix(weight)]
    taken = {id(weight) for weight in matrices}
    others = [weight for weight in weights if id(weight) not in taken]
    rest = torch.optim.AdamW(
        others,
        training.rate,
        betas=(training.beta1, training.beta2),
        weight_decay=training.weight_decay,
        fused=True,
    )
    if not matrices:
        return [rest]
    dtype = torch.bfloat16 if training.precision == "bf16" else torch.float32
    return [rest, Muon(matrices, lr=training.rate, weight_decay=training.weight_decay, dtype=dtype)]
