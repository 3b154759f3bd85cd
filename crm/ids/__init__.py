"""Whose id an id is: aliases of customers, namespaces of systems."""
