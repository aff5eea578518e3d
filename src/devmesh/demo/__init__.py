"""`devmesh demo`: the whole walk-through against a stand-in for GitHub, over public interfaces alone."""
