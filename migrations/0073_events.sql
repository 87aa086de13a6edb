-- What happened to collections and documents, in one order that everybody sees: core-service/src/events/log.rs and
-- docs/decisions/0035-one-log-of-events.md.

-- What transactions tell. It commits with what it is about, and is numbered afterwards.
CREATE TABLE event_inbox (
    -- Of two transactions that write the same document, the second begins to write when the first has committed.
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace uuid NOT NULL,
    type text NOT NULL,
    collection_id uuid NOT NULL,
    document_id uuid,
    version bigint,
    actor_id uuid,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE events (
    -- Without a gap that could be filled later: who has seen a number has seen all before it.
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    type text NOT NULL,
    collection_id uuid NOT NULL,
    document_id uuid,
    -- Of the document, after what happened; of a deleted one its last.
    version bigint,
    -- Who did it; null if they are gone or if nobody did.
    actor_id uuid,
    at timestamptz NOT NULL,
    CONSTRAINT events_id UNIQUE (id)
);
CREATE INDEX events_workspace_id ON events (workspace_id, number);
CREATE INDEX events_at ON events (at);

-- How far each consumer has come.
CREATE TABLE event_consumers (
    name text PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['event_inbox', 'events', 'event_consumers'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY work ON %I USING ((SELECT breakwater_purpose()) = ''worker'')', name);
    END LOOP;
END
$$;
-- Migrations add consumers.
CREATE POLICY owner ON event_consumers TO CURRENT_USER USING (true);
-- Whoever may write may tell of it.
CREATE POLICY tell ON event_inbox FOR INSERT WITH CHECK (true);
CREATE POLICY read ON events FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('documents:read'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND (collection_id = ANY ((SELECT breakwater_granted('documents:read', 'collection'))::uuid[])
                OR document_id = ANY ((SELECT breakwater_granted('documents:read', 'document'))::uuid[])));
GRANT SELECT, INSERT, DELETE ON event_inbox, events TO breakwater_service;
GRANT SELECT, UPDATE ON event_consumers TO breakwater_service;

-- Consumers work for all workspaces.
CREATE POLICY worker ON workspaces FOR SELECT USING ((SELECT breakwater_purpose()) = 'worker');
CREATE POLICY worker ON collections FOR SELECT USING ((SELECT breakwater_purpose()) = 'worker');

CREATE FUNCTION breakwater_tell_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO event_inbox (workspace, type, collection_id, document_id, version, actor_id)
        SELECT workspace_id, CASE version WHEN 1 THEN 'document.created' ELSE 'document.restored' END,
               collection_id, id, version, breakwater_user_id()
        FROM now_there;
    ELSIF TG_OP = 'UPDATE' THEN
        -- What leaves the version as it is (a user who goes, say) is no change of the document.
        INSERT INTO event_inbox (workspace, type, collection_id, document_id, version, actor_id)
        SELECT n.workspace_id, 'document.changed', n.collection_id, n.id, n.version, breakwater_user_id()
        FROM now_there n JOIN before o ON o.id = n.id AND o.version <> n.version;
    ELSE
        INSERT INTO event_inbox (workspace, type, collection_id, document_id, version, actor_id)
        SELECT workspace_id, 'document.deleted', collection_id, id, version, breakwater_user_id()
        FROM before;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_created AFTER INSERT ON documents REFERENCING NEW TABLE AS now_there
    FOR EACH STATEMENT EXECUTE FUNCTION breakwater_tell_documents();
CREATE TRIGGER tell_changed AFTER UPDATE ON documents REFERENCING NEW TABLE AS now_there OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION breakwater_tell_documents();
CREATE TRIGGER tell_deleted AFTER DELETE ON documents REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION breakwater_tell_documents();

CREATE FUNCTION breakwater_tell_collections() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO event_inbox (workspace, type, collection_id, actor_id)
        VALUES (OLD.workspace_id, 'collection.deleted', OLD.id, breakwater_user_id());
    ELSE
        INSERT INTO event_inbox (workspace, type, collection_id, actor_id)
        VALUES (NEW.workspace_id, CASE TG_OP WHEN 'INSERT' THEN 'collection.created' ELSE 'collection.changed' END,
                NEW.id, breakwater_user_id());
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON collections
    FOR EACH ROW EXECUTE FUNCTION breakwater_tell_collections();
