"""Settings from the environment, the admin's appearance, the channel layer, the network's rules."""
