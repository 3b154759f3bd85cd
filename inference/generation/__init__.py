"""The language model: its servers, the tiers that they form, their pace and their energy."""
