"""What every part of the REST API shares: errors, parsing, pagination, and the bases of its views and serializers."""
