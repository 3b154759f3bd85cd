"""How people are called."""

from django.contrib.auth.models import User

from inference.text import written


def name_of(agent: User) -> str:
    """As customers and colleagues read it: the first name, where there is one."""
    return written(agent.first_name) or agent.get_username()
