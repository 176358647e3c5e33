"""Parquet files: sizes by the footer, before any page is unpacked. pyarrow is not imported before a file is asked for.

Runs of one value take a few bytes however long they are, so the number of values counts, not that of bytes.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.gate.limit import Budget
from becalm.gate.regular import check

_FOOTER = 2**26


@contextmanager
def opened(path: Path, budget: Budget) -> Iterator[Any]:
    """A parquet file, as pyarrow has it.

    Args:
        budget: What its own bytes are taken from.

    Raises:
        UserError: If it is no regular file, or too large.
        ImportError: If pyarrow is not installed.
    """
    import pyarrow.parquet

    budget.take(check(path), str(path.name))
    bounds = {"thrift_string_size_limit": _FOOTER, "thrift_container_size_limit": _FOOTER // 16}
    with pyarrow.parquet.ParquetFile(path, memory_map=False, pre_buffer=False, **bounds) as file:
        yield file


def check_columns(file: Any, path: Path, columns: Collection[str], budget: Budget) -> None:
    """Takes what columns declare from a budget, each number as float64.

    Raises:
        UserError: If they declare more than may be read, or sizes below zero.
    """
    metadata = file.metadata
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for place in range(rows.num_columns):
            column = rows.column(place)
            name = column.path_in_schema
            if name.partition(".")[0] not in columns and name not in columns:
                continue
            sizes = (rows.num_rows, column.num_values, column.total_uncompressed_size, column.total_compressed_size)
            if min(sizes) < 0:
                raise UserError(f"{path} is damaged: column {name} declares a size below 0")
            budget.take(max(8 * column.num_values, column.total_uncompressed_size), name)
