"""Which of a company's actions a customer wishes for: the matcher, its training, and the data."""
