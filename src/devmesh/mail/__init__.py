"""Mail: checked addresses, composed messages, and the outbox that holds them."""
