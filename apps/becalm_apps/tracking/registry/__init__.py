"""A checkpoint in MLflow's registry of models: how it gets there, and how it answers once it is served.
Everything here imports MLflow.
"""
