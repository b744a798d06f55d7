"""Write letters to referrers: who gets a letter, the letter's text, and how it is published on the letters' topic."""
