"""Which distribution brings what, told by metadata, by files that are read and not run, and by tracebacks."""
