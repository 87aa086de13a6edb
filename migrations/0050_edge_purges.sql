-- What edges are to forget of what they have cached (core-service/src/edge/purges). Purges are numbered in the order in which
-- they took effect, and every answer that an edge keeps carries the number that was the last when it was asked for.

CREATE TABLE edge_purges (
    number bigint PRIMARY KEY,
    -- One of these, or neither: everything.
    url text CHECK (length(url) BETWEEN 1 AND 8192),
    tag text CHECK (length(tag) BETWEEN 1 AND 1024),
    -- Whether answers are stale and not gone.
    soft boolean NOT NULL DEFAULT false,
    made_at timestamptz NOT NULL DEFAULT now(),
    CHECK (url IS NULL OR tag IS NULL),
    CHECK (NOT soft OR url IS NOT NULL OR tag IS NOT NULL)
);
ALTER TABLE edge_purges ENABLE ROW LEVEL SECURITY;
ALTER TABLE edge_purges FORCE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON edge_purges USING ((SELECT breakwater_purpose()) = 'upkeep');
GRANT SELECT, INSERT, UPDATE, DELETE ON edge_purges TO breakwater_service;

CREATE TRIGGER edge_news AFTER INSERT ON edge_purges
    FOR EACH STATEMENT EXECUTE FUNCTION breakwater_edge_news();
