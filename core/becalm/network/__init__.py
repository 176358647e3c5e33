"""What networks of all domains have in common: how they are told of a noise level."""
