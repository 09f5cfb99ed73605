"""The local regions: network namespaces, supervised processes and files on this machine."""
