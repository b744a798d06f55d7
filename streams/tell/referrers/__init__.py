"""Write letters that tell referrers what came of their referrals, and publish them on the topic of letters."""
