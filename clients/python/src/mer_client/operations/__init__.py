"""What the clients can do. Each function is a generator of steps, which ``mer_client.steps`` explains."""
