"""Sends requests to the gateway: retry rules, and a blocking and an asyncio transport."""
