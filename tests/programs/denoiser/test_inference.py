"""The network as a CPU computes it without gradients is the network, and gives a sample the same bits in any batch."""

import pytest
import torch
from batches import LEVEL, form, mixed, noise
from torch import Tensor
from torch.nn import functional as F

from becalm_programs.denoiser.chunks import Chunked
from becalm_programs.denoiser.inference import Inference
from becalm_programs.denoiser.kernels import activate
from becalm_programs.denoiser.network import Bipartite
from becalm_programs.problem.batch import ProblemBatch


def network(width: int = 20) -> Bipartite:
    """Untrained, every bias and norm with weights of its own."""
    torch.manual_seed(0)
    made = Bipartite(width=width, rounds=2).eval().requires_grad_(False)
    for weight in made.parameters():
        weight.add_(0.1 * torch.randn_like(weight))
    return made


@pytest.mark.parametrize("family", ["set-cover", "facility", "knapsack"])
@pytest.mark.parametrize(("count", "width"), [(1, 20), (3, 64)])
def test_it_computes_the_network(family: str, count: int, width: int) -> None:
    cond = ProblemBatch((form(family),), (0,) * count)
    x, plain = noise(cond), network(width)
    computed = Inference(plain)
    for _ in range(2):
        torch.testing.assert_close(computed(x, LEVEL, cond), plain(x, LEVEL, cond), rtol=1e-4, atol=1e-5)


def test_a_program_after_another_is_encoded_anew() -> None:
    plain = network()
    computed = Inference(plain)
    for cond in (ProblemBatch((form("set-cover", seed),), (0, 0)) for seed in (0, 1, 0)):
        x = noise(cond)
        torch.testing.assert_close(computed(x, LEVEL, cond), plain(x, LEVEL, cond), rtol=1e-4, atol=1e-5)


def test_a_sample_has_the_same_bits_in_any_batch() -> None:
    made, chunked = form("facility"), Chunked(Inference(network()))
    x = noise(ProblemBatch((made,), (0,) * 9))
    whole = chunked(x, LEVEL, ProblemBatch((made,), (0,) * 9))
    for count in (1, 2, 7):
        rows = count * len(made.cost)
        assert torch.equal(chunked(x[:rows], LEVEL, ProblemBatch((made,), (0,) * count)), whole[:rows])


def test_several_programs_and_gradients_go_to_the_network_itself() -> None:
    plain = network()
    for cond in (mixed(), ProblemBatch((form("set-cover"),), (0, 0))):
        x = noise(cond)
        slopes: list[Tensor] = []
        for called in (plain, Inference(plain)):
            leaf = x.clone().requires_grad_()
            output = called(leaf, LEVEL, cond)
            slopes += torch.autograd.grad(output.square().sum(), leaf)
        assert torch.equal(*slopes)
    assert torch.equal(Inference(plain)(noise(mixed()), LEVEL, mixed()), plain(noise(mixed()), LEVEL, mixed()))


def test_the_compiled_silu_is_off_by_a_few_last_places_of_its_argument() -> None:
    x = torch.cat([torch.linspace(-100, 100, 4001), torch.linspace(-9, 9, 4000)])
    z = x.clone()[:, None]
    activate(z.numpy(), torch.zeros(1).numpy())
    assert bool(((z[:, 0] - F.silu(x.double())).abs() <= 3e-7 * x.abs()).all())
