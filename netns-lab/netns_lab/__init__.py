"""Hosts as network namespaces on one bridge, the kernel they run on, and the programs that run in them."""
