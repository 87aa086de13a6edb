-- What limits guesses of passwords and codes (docs/security/throttling.md), and what outlives a deleted account.

-- Buckets that are not full, as GCRA has them. Lost after a crash of PostgreSQL, when they are all full again: that is
-- cheaper than writing every guess to the log.
CREATE UNLOGGED TABLE guesses (
    -- A MAC over what it counts, so that it says nothing about accounts.
    bucket bytea PRIMARY KEY CHECK (length(bucket) = 32),
    -- When it is full again: the theoretical arrival time.
    full_at timestamptz NOT NULL
);
CREATE INDEX guesses_full_at ON guesses (full_at);

-- Takes one from each bucket, or from none: how many seconds until it would be granted, 0 if it was. `refill` is the
-- seconds in which a bucket gets one back, `size` how many it holds.
CREATE FUNCTION breakwater_guess(buckets bytea[], refill float8[], size float8[]) RETURNS float8
LANGUAGE plpgsql AS $$
DECLARE
    wait float8;
BEGIN
    INSERT INTO guesses (bucket, full_at) SELECT b, now() FROM unnest(buckets) AS b ORDER BY b
    ON CONFLICT DO NOTHING;
    -- In one order, so that no two wait for each other.
    PERFORM FROM guesses WHERE bucket = ANY (buckets) ORDER BY bucket FOR UPDATE;
    SELECT max(extract(epoch FROM g.full_at - clock_timestamp())::float8 - l.refill * (l.size - 1)) INTO wait
    FROM unnest(buckets, refill, size) AS l (bucket, refill, size) JOIN guesses g ON g.bucket = l.bucket;
    IF wait > 0 THEN
        RETURN wait;
    END IF;
    UPDATE guesses g SET full_at = greatest(g.full_at, clock_timestamp()) + make_interval(secs => l.refill)
    FROM unnest(buckets, refill, size) AS l (bucket, refill, size) WHERE g.bucket = l.bucket;
    RETURN 0;
END $$;
REVOKE EXECUTE ON FUNCTION breakwater_guess FROM PUBLIC;
GRANT EXECUTE ON FUNCTION breakwater_guess TO breakwater_service;

-- Networks that a user has signed in from: strangers elsewhere cannot use up their guesses.
CREATE TABLE known_networks (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- A MAC over the network.
    network bytea NOT NULL CHECK (length(network) = 32),
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, network)
);
CREATE INDEX known_networks_seen_at ON known_networks (seen_at);

-- Sessions of deleted users, while their access tokens may still live.
CREATE TABLE ended_sessions (
    id uuid PRIMARY KEY,
    ended_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ended_sessions_ended_at ON ended_sessions (ended_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['guesses', 'known_networks', 'ended_sessions'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY identity ON %I USING ((SELECT breakwater_purpose()) = ''identity'')', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END $$;
