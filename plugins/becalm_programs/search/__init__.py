"""Search without a solver's tree. Here: rounding search, which runs inside a denoiser call, greedy, and rounding of the
relaxation. ``structure`` tells what kind of program it is, ``moves`` betters solutions a variable at a time, ``large``
a part of the program at a time.
"""
