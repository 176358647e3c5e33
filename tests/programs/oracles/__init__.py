"""Readable counterparts of compiled loops."""
