"""The models that this process uses: the sentiment classifier and the language models."""
