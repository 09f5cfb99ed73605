"""The bastion's rehearsal on this machine."""
