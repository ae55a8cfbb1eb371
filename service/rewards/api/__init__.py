"""What was earned, over HTTP: rewards and their reviews, redemptions, adjustments."""
