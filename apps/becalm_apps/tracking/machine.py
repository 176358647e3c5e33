"""What a training asks of its machine: processor, memory, GPUs, under the names that MLflow's page groups."""

import contextlib
import time
from typing import Any

EVERY = 10.0
"""Seconds between two looks."""


class Machine:
    """Looks at the machine and at the training's process now and then. What cannot be seen is left out.

    Args:
        process: Number of the training's process.
    """

    def __init__(self, process: int) -> None:
        self._process: Any = None
        self._gpus: Any = None
        self._looked, self._seen = time.monotonic(), False
        with contextlib.suppress(Exception):
            import psutil

            self._process = psutil.Process(process)
            self._busy()
        with contextlib.suppress(Exception):
            import pynvml  # noqa: F401 (MLflow's monitor wants it imported)
            from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

            self._gpus = GPUMonitor()

    def look(self, *, at_once: bool = False) -> dict[str, float]:
        """Figures by name; none if the last look was a moment ago.

        Args:
            at_once: Look even so, if that would be the first time.
        """
        now = time.monotonic()
        if now - self._looked < EVERY and (self._seen or not at_once):
            return {}
        self._looked, self._seen = now, True
        figures: dict[str, float] = {}
        for part in (self._busy, self._graphics):
            with contextlib.suppress(Exception):
                figures |= part()
        return {f"system/{name}": float(value) for name, value in figures.items()}

    def _busy(self) -> dict[str, float]:
        import psutil

        memory = psutil.virtual_memory()
        figures = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / 1e6,
            "system_memory_usage_percentage": memory.percent,
        }
        # The process may be gone, the rest is still there.
        with contextlib.suppress(psutil.Error):
            figures["process_cpu_percentage"] = self._process.cpu_percent()
            figures["process_memory_megabytes"] = self._process.memory_info().rss / 1e6
        return figures

    def _graphics(self) -> dict[str, float]:
        if self._gpus is None:
            return {}
        self._gpus.clear_metrics()
        self._gpus.collect_metrics()
        return dict(self._gpus.aggregate_metrics())
