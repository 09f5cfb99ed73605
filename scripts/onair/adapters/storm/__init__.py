"""What a storm does to the platform, and what it reads there."""
