"""The ends of names of model files that are read."""

SUFFIXES = (
    ".mps", ".mps.gz", ".mps.bz2", ".mps.xz", ".lp", ".lp.gz", ".lp.bz2", ".lp.xz",
)  # fmt: skip
"""Plain, or packed by gzip, bzip2 or xz."""
