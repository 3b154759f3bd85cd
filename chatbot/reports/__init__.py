"""Figures for team leads: made day by day in the background, read from one small table."""
