"""What turns an estimate towards feasible and good solutions: energies for core's guidance, constraint guidance on the
way, rounding search near clean. Each is Denoiser -> Denoiser, or the energy of one.
"""
