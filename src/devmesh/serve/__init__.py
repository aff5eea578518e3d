"""`devmesh serve`: one small parent over PostgreSQL and the workers that answer requests."""
