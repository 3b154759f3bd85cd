"""Figures for team leads: counted day by day in the background, read from one small table."""
