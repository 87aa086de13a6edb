-- The audit trail (core-service/src/audit): who did what, from where, and how it ended. It is only ever added to.

CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Whose trail it belongs to: a workspace's, or else an account's. No foreign keys: the trail outlives both.
    workspace_id uuid,
    user_id uuid,
    action text NOT NULL CHECK (length(action) BETWEEN 1 AND 100),
    outcome text NOT NULL CHECK (outcome IN ('success', 'failure', 'denied')),
    -- Who.
    actor text NOT NULL CHECK (actor IN ('user', 'anonymous', 'operator', 'system')),
    actor_id uuid,
    session_id uuid,
    impersonator_id uuid,
    -- What.
    target_type text CHECK (length(target_type) <= 50),
    target_id text CHECK (length(target_id) <= 300),
    details jsonb NOT NULL DEFAULT '{}' CHECK (length(details::text) <= 8192),
    -- Whence.
    address text CHECK (length(address) <= 64),
    user_agent text CHECK (length(user_agent) <= 512),
    request_id text CHECK (length(request_id) <= 64),
    -- Events of one chain are linked; all that concern neither workspace nor account share one.
    chain uuid NOT NULL GENERATED ALWAYS AS
        (coalesce(workspace_id, user_id, '00000000-0000-0000-0000-000000000000')) STORED,
    CHECK ((actor = 'user') = (actor_id IS NOT NULL))
);
CREATE INDEX audit_events_workspace ON audit_events (workspace_id, id) WHERE workspace_id IS NOT NULL;
CREATE INDEX audit_events_workspace_action ON audit_events (workspace_id, action, id) WHERE workspace_id IS NOT NULL;
CREATE INDEX audit_events_workspace_actor ON audit_events (workspace_id, actor_id, id) WHERE workspace_id IS NOT NULL;
CREATE INDEX audit_events_user ON audit_events (user_id, id) WHERE workspace_id IS NULL;

-- Each event's place in its chain. `hash` is SHA-256 over the hash before it and the event's content, so that an event
-- cannot be changed, removed or put in between without breaking every link after it.
CREATE TABLE audit_links (
    chain uuid NOT NULL,
    position bigint NOT NULL,
    event_id uuid NOT NULL UNIQUE,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (chain, position)
);

-- What is hashed: JSON whose form PostgreSQL fixes, with times as microseconds so that no setting changes them.
CREATE FUNCTION breakwater_audit_content(event audit_events) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
AS $$
    SELECT (to_jsonb(event) - 'at' - 'chain' || jsonb_build_object('at', (extract(epoch FROM event.at) * 1000000)::bigint))::text
$$;

-- Runs when the transaction commits: events of one chain queue up for their commit alone, not for the work before it.
CREATE FUNCTION breakwater_audit_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    last audit_links;
BEGIN
    PERFORM pg_advisory_xact_lock(1635083369, hashtext(NEW.chain::text));
    -- After the lock: it must see what the lock's last holder committed.
    SELECT * INTO last FROM audit_links WHERE chain = NEW.chain ORDER BY position DESC LIMIT 1;
    INSERT INTO audit_links (chain, position, event_id, hash) VALUES (
        NEW.chain,
        coalesce(last.position, 0) + 1,
        NEW.id,
        sha256(coalesce(last.hash, '') || convert_to(breakwater_audit_content(NEW), 'UTF8'))
    );
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER link AFTER INSERT ON audit_events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION breakwater_audit_link();

-- Not even the owner changes it by accident. Who is determined to is found by the chain.
CREATE FUNCTION breakwater_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('%s is only ever added to', TG_TABLE_NAME);
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION breakwater_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_links
    FOR EACH STATEMENT EXECUTE FUNCTION breakwater_append_only();

ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_events FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_links FORCE ROW LEVEL SECURITY;
-- For the function above.
CREATE POLICY owner ON audit_links TO CURRENT_USER USING (true);

-- A member writes into their workspace's trail, a user into their own; the service's own work where it has to.
CREATE POLICY record ON audit_events FOR INSERT TO breakwater_service WITH CHECK (
    CASE WHEN workspace_id IS NULL
        THEN (SELECT breakwater_purpose()) IS NOT NULL OR user_id = (SELECT breakwater_user_id())
        ELSE workspace_id = (SELECT breakwater_member_workspace())
    END
);
CREATE POLICY own ON audit_events FOR SELECT TO breakwater_service
    USING (workspace_id IS NULL AND user_id = (SELECT breakwater_user_id()));
CREATE POLICY workspace ON audit_events FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_member_workspace()));
CREATE POLICY audit ON audit_events TO breakwater_service
    USING ((SELECT breakwater_purpose()) = 'audit');
CREATE POLICY audit ON audit_links FOR SELECT TO breakwater_service
    USING ((SELECT breakwater_purpose()) = 'audit');

GRANT SELECT, INSERT ON audit_events TO breakwater_service;
GRANT SELECT ON audit_links TO breakwater_service;
REVOKE UPDATE, DELETE, TRUNCATE ON audit_events FROM breakwater_service;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON audit_links FROM breakwater_service;
