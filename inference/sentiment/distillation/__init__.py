"""How the sentiment classifier is made: data, teacher, student. Needs torch; never served."""
