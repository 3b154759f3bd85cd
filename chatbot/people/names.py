"""Display names of agents."""

from django.contrib.auth.models import User

from inference.text import written


def name_of(agent: User) -> str:
    """Return the name for customers and colleagues: the first name, or else the user name."""
    return written(agent.first_name) or agent.get_username()
