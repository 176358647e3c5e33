"""Results that say how they were made: ``becalm show`` prints it, ``becalm again`` makes one once more. The record
itself is the core's, ``becalm.provenance``.
"""
