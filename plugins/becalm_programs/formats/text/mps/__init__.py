"""MPS files, free and fixed, as IBM defined them with the sections that CPLEX added. ``parse`` reads a file."""
