"""Pictures of policies at work: of chunks, demonstrations, rollouts and scores.

A view gets values and gives a picture; it knows neither domain nor policy.
"""
