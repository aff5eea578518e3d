"""PostgreSQL: the pool, transactions bound to one organization, change notices, migrations, the embedded server."""
