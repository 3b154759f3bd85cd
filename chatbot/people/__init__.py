"""Visitors, agents and administrators: who they are, what they may, whether they are there."""
