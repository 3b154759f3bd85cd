"""The customer's side: the widget, its frame, its socket."""
