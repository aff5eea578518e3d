"""A person's side of a running server: its address, the session that is kept for it, and requests over HTTP.

Nothing here imports another room: what a person runs starts in an instant, and knows of the server what its
replies say.
"""
