"""What a command leaves: output parameters and output artifacts."""
