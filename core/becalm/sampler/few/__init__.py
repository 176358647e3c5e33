"""Samplers of one call or a few: each call ends a path. They are for networks that were distilled to do so."""
