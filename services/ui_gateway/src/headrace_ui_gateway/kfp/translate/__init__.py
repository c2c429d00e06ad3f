"""Pure translation between Headrace's resources and KFP's messages."""
