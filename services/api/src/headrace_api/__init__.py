"""The api: accepts pipelines and runs, or says what is wrong with them."""
