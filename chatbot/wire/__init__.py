"""What travels over the websockets: frames, refusals, hints, limits."""
