"""What referrers are told: who is told what, in which words, and the letters on their topic."""
