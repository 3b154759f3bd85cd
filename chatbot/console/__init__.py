"""The live inbox, where agents work: one page, one script, one socket."""
