"""LP files, as CPLEX defined them and Gurobi, SCIP and HiGHS write them, with what is common besides and means one
thing only: rows with two sides, variables and constants on either side, ``==``, ``2 * x``. ``parse`` reads a file.
"""
