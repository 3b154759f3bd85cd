"""What every web process looks after while it lives."""
