"""How a result was made, kept inside its file: a ``Record``, and a module per format that puts its text there.

    made = record("images edit", options, model=model)
    write(Path("edited.png"), content, made)
    read(Path("edited.png")).settings["steps"]

``becalm show FILE`` prints it, ``becalm again FILE`` makes the file once more.
"""

from becalm.provenance.record import CheckpointRef, Record, Source, record
from becalm.provenance.stamp import SUFFIXES, parse, read, stamp, write

__all__ = ["SUFFIXES", "CheckpointRef", "Record", "Source", "parse", "read", "record", "stamp", "write"]
