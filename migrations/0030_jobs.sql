-- The outbox: work that a transaction asks for and that is done once it has committed (core-service/src/events).

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    -- Who does it.
    queue text NOT NULL CHECK (length(queue) BETWEEN 1 AND 100),
    -- What it is for: within a queue, the same reason is taken once.
    reason text CHECK (length(reason) BETWEEN 1 AND 300),
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    -- When the next attempt may begin. A running attempt has moved it beyond its own deadline.
    run_at timestamptz NOT NULL DEFAULT now(),
    last_error text CHECK (length(last_error) <= 2000),
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK ((state = 'waiting') = (finished_at IS NULL)),
    CONSTRAINT jobs_reason UNIQUE (queue, reason)
);
CREATE INDEX jobs_waiting ON jobs (run_at) WHERE state = 'waiting';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE state <> 'waiting';

-- Whoever may write something may ask for what follows from it; only workers see and change jobs.
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY ask ON jobs FOR INSERT WITH CHECK (state = 'waiting' AND attempts = 0);
CREATE POLICY work ON jobs USING ((SELECT breakwater_purpose()) = 'worker');
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO breakwater_service;

-- Wakes the workers when the transaction commits.
CREATE FUNCTION breakwater_wake_workers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('breakwater_jobs', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER wake_workers AFTER INSERT ON jobs FOR EACH STATEMENT EXECUTE FUNCTION breakwater_wake_workers();
