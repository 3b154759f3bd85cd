"""The websockets' common parts: frames, refusals, hints and limits."""
