"""The language model: its servers, pools of servers, their pace and their energy."""
