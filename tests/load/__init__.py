"""Clients by the hundred, a model server of fixed speed, and what goes wrong: for the ledger test,
`make soak` and `make bench-chat`."""
