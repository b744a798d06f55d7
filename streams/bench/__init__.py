"""Measurements that the README quotes; each runs real parts and prints its own comparison."""
