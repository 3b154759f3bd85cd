"""Which customer an id belongs to: aliases of customers, namespaces of systems."""
