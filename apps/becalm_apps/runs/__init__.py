"""``becalm runs`` and its commands, each in a module of its own."""
