"""Runs the notebooks of the documentation top to bottom; ``python docs/run_notebooks.py`` keeps what they draw.

What differs from run to run, such as counters, is taken out, so that a notebook changes only if it draws or prints
something else.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent / "notebooks"
LIMIT = 300
"""Seconds for one cell."""


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs.

    Args:
        folder: Where it runs.

    Raises:
        CellExecutionError: If a cell raises.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=LIMIT, resources={"metadata": {"path": str(folder)}}).execute()
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [_plain(output) for output in cell.outputs]
    return notebook


def _plain(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An output without its number; a picture without the text that stands for it."""
    if "execution_count" in output:
        output["execution_count"] = None
    if "image/png" in output.get("data", {}):
        output["data"] = {"image/png": output["data"]["image/png"]}
        output["metadata"] = {}
    return output


def main() -> None:
    """Runs all, or those named on the command line, and writes them back."""
    chosen = [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb"))
    for path in chosen:
        nbformat.write(run(path, FOLDER), path)
        print(f"{path.name}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
