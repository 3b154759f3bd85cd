"""Articles that people write in Attune: their versions, their publication, and their drafts."""
