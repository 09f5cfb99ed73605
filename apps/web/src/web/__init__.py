"""The shop's pages: rendered on the server, one style sheet, one small script and the player."""
