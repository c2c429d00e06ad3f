"""The embedded deployment: three servers and five services on loopback, with one data folder."""
