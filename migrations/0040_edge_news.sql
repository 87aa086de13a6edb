-- Tells every core at once what its edges have to know at once: a session has ended, a signing key has changed. Cores
-- listen, and answer the edges that wait for a new snapshot. What is not heard is found when the core looks again, a
-- second later at the most.

CREATE FUNCTION breakwater_edge_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('breakwater_edge', '');
    RETURN NULL;
END $$;

CREATE TRIGGER edge_news AFTER UPDATE OF ended_at ON sessions
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION breakwater_edge_news();

CREATE TRIGGER edge_news AFTER INSERT OR UPDATE OR DELETE ON signing_keys
    FOR EACH STATEMENT EXECUTE FUNCTION breakwater_edge_news();

-- The public keys of issuers that are not us, as they were fetched last: whichever core fetched them, all publish the
-- same, and they outlive an issuer that is away.
CREATE TABLE issuer_keys (
    issuer text PRIMARY KEY CHECK (length(issuer) BETWEEN 1 AND 1000),
    jwks jsonb NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT now(),
    -- When they are to be fetched again.
    due_at timestamptz NOT NULL
);
ALTER TABLE issuer_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE issuer_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY upkeep ON issuer_keys USING ((SELECT breakwater_purpose()) = 'upkeep');
GRANT SELECT, INSERT, UPDATE, DELETE ON issuer_keys TO breakwater_service;

CREATE TRIGGER edge_news_insert AFTER INSERT ON issuer_keys
    FOR EACH ROW EXECUTE FUNCTION breakwater_edge_news();
CREATE TRIGGER edge_news_update AFTER UPDATE ON issuer_keys
    FOR EACH ROW WHEN (OLD.jwks <> NEW.jwks) EXECUTE FUNCTION breakwater_edge_news();
