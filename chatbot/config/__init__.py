"""Settings from the environment, the Content-Security-Policy's and the network's rules."""
