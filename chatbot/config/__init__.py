"""Parts of settings.py: how the environment is read, and the settings of each library."""
