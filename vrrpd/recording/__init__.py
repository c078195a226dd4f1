"""What the virtual routers of a host were told, and what they told of it, written down so that it can be told again.

`recorder` writes it down as it happens, `lines` makes JSON lines of it, `reading` reads them, `values` says how a value
stands in one. A recording holds no key and no password. Nothing here reads a clock or opens a file.
"""
