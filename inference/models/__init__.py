"""Model files: the catalogue, their sources, and the export of the encoder."""
