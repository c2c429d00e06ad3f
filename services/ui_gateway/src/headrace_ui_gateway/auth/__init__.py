"""Authentication: who the caller is, and what they may do. Every request passes `gate.Gate`."""
