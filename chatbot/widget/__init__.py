"""The customer's side: the widget's pages and its socket."""
