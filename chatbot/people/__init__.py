"""Visitors, agents and administrators: their identity, rights and presence."""
