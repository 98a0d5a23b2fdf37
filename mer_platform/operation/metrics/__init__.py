"""Metrics for Prometheus: what web processes count, and what the database shows at the moment of the request."""
