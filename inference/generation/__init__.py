"""The language model: servers, pools of them, their pace and their energy."""
