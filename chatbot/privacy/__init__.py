"""Personal data: finds and masks it, erases it on request, and deletes it when it is old."""
