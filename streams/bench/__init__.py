"""
The measurements that the README quotes. Each measurement runs real parts and prints figures to compare its result
with.
"""
