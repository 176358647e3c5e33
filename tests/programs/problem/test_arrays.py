"""A matrix as arrays: both orders say the same."""

import numpy as np
from scipy import sparse

from becalm_programs.families import generate
from becalm_programs.problem.arrays import MatrixArrays
from becalm_programs.problem.standard_form import StandardForm


def test_rows_and_columns_are_the_same_matrix() -> None:
    form = StandardForm.of(generate("facility", "tiny", 0))
    rows = form.program.rows
    for arrays, matrix in ((form.arrays, form.matrix.to_dense().numpy()), (MatrixArrays.of(rows), rows.toarray())):
        by_rows = (arrays.row_value, arrays.row_column, arrays.row_start)
        by_columns = (arrays.column_value, arrays.column_row, arrays.column_start)
        np.testing.assert_array_equal(sparse.csr_array(by_rows, shape=matrix.shape).toarray(), matrix)
        np.testing.assert_array_equal(sparse.csc_array(by_columns, shape=matrix.shape).toarray(), matrix)


def test_a_form_makes_its_arrays_once() -> None:
    form = StandardForm.of(generate("knapsack", "tiny", 0))
    assert form.arrays is form.arrays
    assert form.arrays.row_value.dtype == np.float32
