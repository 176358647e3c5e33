"""Large-neighbourhood search: most variables are held, the rest is left to a solver; which to set free, how the search
learns that, and the pool of good and different solutions that comes of it.
"""
