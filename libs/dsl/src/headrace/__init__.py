"""The Headrace SDK: the client and the command line."""
