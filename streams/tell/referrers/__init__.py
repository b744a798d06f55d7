"""Write letters to referrers: who gets one, what it says, and how it gets onto the letters' topic."""
