-- The gateway keeps nothing of its own yet; its schema holds the runtime's tables.
SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';
