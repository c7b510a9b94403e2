"""The movers: what clients submit goes to carriers, what carriers say goes to clients, and nothing is lost
between.
"""
