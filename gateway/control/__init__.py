"""The node's small endpoint: metrics, health, status, and what an administrator asks of a running node."""
