"""What the gate reads from the outside world: files, git, the programs that render."""
