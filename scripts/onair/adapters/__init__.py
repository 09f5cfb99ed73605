"""The outside world: files, processes, git, Go, the machine."""
