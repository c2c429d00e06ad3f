"""What services exchange: events, commands, resources and the IR. Free of I/O."""
