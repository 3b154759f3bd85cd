"""The live inbox, where agents work: its page, its script and its socket."""
