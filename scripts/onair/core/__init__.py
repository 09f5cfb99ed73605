"""Pure decisions: models in, results out, no input or output."""
