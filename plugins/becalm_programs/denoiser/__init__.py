"""What estimates clean entries of noisy ones: a graph network, and the exact posterior of solutions of which nothing is
known. Both are called as (x, level, batch of problems) and say nothing of guidance.
"""
