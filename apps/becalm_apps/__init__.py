"""The apps of becalm: thin doors, written once over what a domain is."""
