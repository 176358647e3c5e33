"""Jump moves: one variable after another goes to the value at which rows, weighted, are missed least; weights of rows
that are still missed grow. From an infeasible solution to a feasible one, and below an objective.
"""
