SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '10min';

-- How many runs lists have, kept by triggers: whatever statement changes runs, the counts are
-- changed with it, in its transaction.
CREATE TABLE run_count (
    namespace text NOT NULL,
    experiment_id uuid,
    recurring_run_id uuid,
    state text NOT NULL,
    archived boolean NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT run_count_key
        UNIQUE NULLS NOT DISTINCT (namespace, experiment_id, recurring_run_id, state, archived)
) WITH (fillfactor = 50);

CREATE FUNCTION count_new_runs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO run_count
    SELECT namespace, experiment_id, recurring_run_id, state, archived, count(*)
    FROM run_after WHERE submission IS NOT NULL AND NOT deleted
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT ON CONSTRAINT run_count_key
        DO UPDATE SET amount = run_count.amount + EXCLUDED.amount;
    RETURN NULL;
END
$$;

-- In one order, so that two of them wait for each other and not each for the other.
CREATE FUNCTION count_changed_runs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO run_count
    SELECT namespace, experiment_id, recurring_run_id, state, archived, sum(amount)
    FROM (
        SELECT namespace, experiment_id, recurring_run_id, state, archived, 1 AS amount
        FROM run_after WHERE submission IS NOT NULL AND NOT deleted
        UNION ALL
        SELECT namespace, experiment_id, recurring_run_id, state, archived, -1
        FROM run_before WHERE submission IS NOT NULL AND NOT deleted
    ) AS change
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(amount) <> 0 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT ON CONSTRAINT run_count_key
        DO UPDATE SET amount = run_count.amount + EXCLUDED.amount;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_gone_runs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO run_count
    SELECT namespace, experiment_id, recurring_run_id, state, archived, -count(*)
    FROM run_before WHERE submission IS NOT NULL AND NOT deleted
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT ON CONSTRAINT run_count_key
        DO UPDATE SET amount = run_count.amount + EXCLUDED.amount;
    RETURN NULL;
END
$$;

CREATE TRIGGER run_new AFTER INSERT ON run
    REFERENCING NEW TABLE AS run_after
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_runs();
CREATE TRIGGER run_changed AFTER UPDATE ON run
    REFERENCING OLD TABLE AS run_before NEW TABLE AS run_after
    FOR EACH STATEMENT EXECUTE FUNCTION count_changed_runs();
CREATE TRIGGER run_gone AFTER DELETE ON run
    REFERENCING OLD TABLE AS run_before
    FOR EACH STATEMENT EXECUTE FUNCTION count_gone_runs();

-- No run changes between this and the commit: making the triggers has locked the table.
INSERT INTO run_count
SELECT namespace, experiment_id, recurring_run_id, state, archived, count(*)
FROM run WHERE submission IS NOT NULL AND NOT deleted
GROUP BY 1, 2, 3, 4, 5;
