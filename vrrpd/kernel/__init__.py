"""Linux as the router process sees it: links, addresses, sockets, and a process's place in the scheduler's queue."""
