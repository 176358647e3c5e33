"""Checkpoints on their way to other people: with a card, with checksums, as a folder, a file or a repository."""
