"""
The measurements that the README quotes. Each measurement runs real parts, and prints reference figures beside its
result.
"""
