"""What a change would do: the rendered difference, and the rules of promotion, freezes, retirement and secrets."""
