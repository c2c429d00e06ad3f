"""The embedded deployment: three servers and five services on loopback, in one data folder."""
