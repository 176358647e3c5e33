"""Products of a program's matrix with columns of numbers, differentiable, in float32 whatever the autocast.

On a CPU by a compiled loop: torch's is as fast only where rows are long. To torch it is one operation, so what calls it
compiles. A column's numbers do not depend on the columns beside it, nor on the number of threads.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

Csr = tuple[Tensor, Tensor, Tensor]
"""A matrix (M, N) by rows: (M + 1,) where each begins, and columns and values of its nonzeros."""
_ALONE = 2**22
"""Products of two numbers that one thread does faster than several begin."""


def csr_of(matrix: Tensor) -> Csr:
    """The parts of a sparse CSR tensor, without a copy."""
    parts = matrix.crow_indices(), matrix.col_indices(), matrix.values()
    # As views of a sparse tensor they could not be arguments of what torch compiles.
    start, column, value = (from_dlpack(part.detach()) for part in parts)
    return start, column, value


def unsigned(start: Tensor, column: Tensor, value: Tensor) -> tuple[Any, Any, Any]:
    """The parts of a matrix on a CPU as arrays that compiled loops take, without a copy: indices are uint64."""
    return start.numpy().view(np.uint64), column.numpy().view(np.uint64), value.numpy()


def multiply(matrix: Csr, transposed: Csr, dense: Tensor) -> Tensor:
    """matrix @ dense, for (N, ...), in the precision of the matrix; its gradient is transposed @ gradient."""
    columns = dense.reshape(len(dense), -1).to(matrix[2].dtype)
    if torch.compiler.is_compiling() or (torch.is_grad_enabled() and columns.requires_grad):
        product: Tensor = _multiply(*matrix, *transposed, columns)
    else:  # The first call of a custom operation imports torch's compiler, which takes seconds.
        product = _product(*matrix, len(transposed[0]) - 1, columns)
    return product.reshape(-1, *dense.shape[1:])


@torch.library.custom_op("becalm_programs::multiply", mutates_args=())
def _multiply(
    start: Tensor, column: Tensor, value: Tensor, start_t: Tensor, column_t: Tensor, value_t: Tensor, dense: Tensor
) -> Tensor:
    """The product (M, W) of the matrix (M, N) of the first three, transposed in the next three, with (N, W)."""
    return _product(start, column, value, len(start_t) - 1, dense)


def _product(start: Tensor, column: Tensor, value: Tensor, width: int, dense: Tensor) -> Tensor:
    """The same of a matrix (M, width), not differentiable."""
    dense = dense.contiguous()
    if dense.device.type == "cpu":
        return _on_cpu(start, column, value, dense)
    size = (len(start) - 1, width)
    with torch.autocast(dense.device.type, enabled=False):
        return torch.sparse_csr_tensor(start, column, value, size=size, check_invariants=False) @ dense


@_multiply.register_fake
def _(
    start: Tensor, column: Tensor, value: Tensor, start_t: Tensor, column_t: Tensor, value_t: Tensor, dense: Tensor
) -> Tensor:
    return dense.new_empty(start.shape[0] - 1, dense.shape[1])


def _keep(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:-1])


def _gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    matrix, transposed = ctx.saved_tensors[:3], ctx.saved_tensors[3:]
    return None, None, None, None, None, None, _multiply(*transposed, *matrix, gradient)


_multiply.register_autograd(_gradient, setup_context=_keep)


def _on_cpu(start: Tensor, column: Tensor, value: Tensor, dense: Tensor) -> Tensor:
    """The same by the compiled loop, row by row."""
    from becalm_programs.problem.product_kernel import fill

    product = dense.new_empty(len(start) - 1, dense.shape[1])
    matrix, arrays = unsigned(start, column, value), (dense.numpy(), product.numpy())
    threads = torch.get_num_threads() if len(column) * dense.shape[1] > _ALONE else 1
    # Of rows so many that each thread has as many nonzeros.
    shares = np.arange(threads + 1) * len(column) // threads
    edges = np.searchsorted(start.numpy(), shares).astype(np.uint64)
    edges[0], edges[-1] = 0, len(product)

    def some(part: int) -> None:
        fill(edges[part], edges[part + 1], *matrix, *arrays)

    if threads == 1:
        some(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(some, range(threads)))
    return product
