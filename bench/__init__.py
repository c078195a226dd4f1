"""Side by side with keepalived: what the same work costs each."""
