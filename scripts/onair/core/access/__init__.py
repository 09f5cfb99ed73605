"""Who may do what: people, their groups, and what the clusters grant those."""
