"""The measurements that the README quotes. Each runs real parts and prints its own comparison."""
