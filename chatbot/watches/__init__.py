"""Jobs of every web process, which `crm.plumbing.tick` starts."""
