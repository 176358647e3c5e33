"""What policies use beyond Python packages, for ``becalm doctor``."""

from collections.abc import Iterator

from becalm.files.fetch import home
from becalm.plugin.report import Need


def needs() -> Iterator[Need]:
    """Push-T's demonstrations, if they were downloaded already."""
    kept = home() / "pusht" / "pusht_state.npz"
    mend = "becalm policies inspect pusht downloads them; or name a file by --data"
    yield Need("Push-T demonstrations", str(kept) if kept.is_file() else None, mend)
