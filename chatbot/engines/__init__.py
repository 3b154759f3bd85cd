"""Models that this process runs or asks: the classifier, the language models, their queue."""
