"""What the gate says, in the formats that people and machines read."""
