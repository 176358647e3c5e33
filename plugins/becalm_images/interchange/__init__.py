"""Checkpoints to and from other people's libraries, which today is diffusers: its folders, schedulers and U-Nets.

Nothing here imports such a library; ``becalm_images.adapter``, which runs over there, does.
"""

from becalm_images.interchange.pipeline_folder import Pipeline, pipeline, read

__all__ = ["Pipeline", "pipeline", "read"]
