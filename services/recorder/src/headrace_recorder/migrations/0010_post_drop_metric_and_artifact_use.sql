-- squawk-ignore-file ban-drop-table
SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

-- `run_metric` and `artifact_task` replaced these (0005). Nothing reads or writes them any more.
DROP TABLE metric;
DROP TABLE artifact_use;
