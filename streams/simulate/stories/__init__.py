"""What happens to families: each module writes one kind of story into a borough's book."""
