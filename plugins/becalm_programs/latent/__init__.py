"""Diffusion over embeddings of solutions instead of over their bits (Zeng et al. 2024, KDD).

Programs and their solutions are embedded by contrast (``embed``, ``contrast``), a network denoises the embedding of a
solution and a decoder reads its bits (``denoise``, ``decode``), both trained together by core's trainer with a penalty
on violated rows, and sampled by core's samplers under the gradient of violation and cost (``domain``).
"""
