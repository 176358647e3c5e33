"""Products with a program's matrix are those of the dense matrix, to the bit the same for a column among any others."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scipy import sparse

from becalm_programs.problem.product import Csr, csr_of, multiply
from becalm_programs.problem.standard_form import csr


def drawn(rows: int, columns: int, nonzeros: int) -> tuple[torch.Tensor, Csr, Csr]:
    """A matrix, dense and by its parts, with rows of all lengths and empty ones."""
    draw = np.random.default_rng(0)
    place = (draw.integers(rows, size=nonzeros) ** 2 // rows, draw.integers(columns, size=nonzeros))
    matrix = sparse.coo_array((draw.standard_normal(nonzeros), place), shape=(rows, columns)).tocsr()
    return torch.from_numpy(matrix.toarray()).float(), csr_of(csr(matrix)), csr_of(csr(matrix.T.tocsr()))


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("size", [(7, 5, 12), (40, 30, 300), (3, 4, 0)])
@pytest.mark.parametrize("shape", [(), (1,), (9,), (3, 11)])
def test_the_product_is_that_of_the_dense_matrix(size: tuple[int, int, int], shape: tuple[int, ...]) -> None:
    dense, matrix, transposed = drawn(*size)
    x = torch.randn(size[1], *shape)
    expected = torch.tensordot(dense, x, dims=1)
    torch.testing.assert_close(multiply(matrix, transposed, x), expected)
    torch.testing.assert_close(multiply(matrix, transposed, x.double()), expected)


def test_a_column_is_the_same_among_any_others_and_by_any_number_of_threads(threads: None) -> None:
    _, matrix, transposed = drawn(3000, 2000, 60_000)
    x = torch.randn(2000, 80)
    torch.set_num_threads(1)
    whole = multiply(matrix, transposed, x)
    for part in (slice(0, 1), slice(5, 38)):
        assert torch.equal(multiply(matrix, transposed, x[:, part]), whole[:, part])
    torch.set_num_threads(3)
    assert torch.equal(multiply(matrix, transposed, x), whole)


def test_torch_knows_all_of_the_operation() -> None:
    _, matrix, transposed = drawn(7, 5, 12)
    x = torch.randn(5, 3, requires_grad=True)
    torch.library.opcheck(torch.ops.becalm_programs.multiply.default, (*matrix, *transposed, x))
    compiled = torch.compile(multiply, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(matrix, transposed, x), multiply(matrix, transposed, x))
