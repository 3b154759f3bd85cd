"""Personal data: found, masked, erased, kept no longer than wanted."""
