-- A commit that has to reach the disk: it writes a message to the write-ahead log, and no row.
SELECT pg_logical_emit_message(true, 'headrace', 'health');
