"""Request and response messages of KFP's API."""
