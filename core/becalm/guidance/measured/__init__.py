"""Guidance by a measurement of the clean sample, y = A(x0) + noise, where x0 given x is taken as a Gaussian.

What is put here differs in the covariance it takes x0 to have.
"""
