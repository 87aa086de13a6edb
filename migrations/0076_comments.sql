-- What people say about documents (core-service/src/documents/comments). Comments outlive their document in the trash, and go when it is
-- purged, as its versions do.

CREATE TABLE document_comments (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    document_id uuid NOT NULL,
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 10000),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid REFERENCES users ON DELETE SET NULL,
    CONSTRAINT document_comments_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX document_comments_document_id ON document_comments (document_id, id);
CREATE INDEX document_comments_collection_id ON document_comments (collection_id);
CREATE INDEX document_comments_created_by ON document_comments (created_by);

ALTER TABLE document_comments ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_comments FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON document_comments TO breakwater_service;
CREATE POLICY upkeep ON document_comments TO breakwater_service USING ((SELECT breakwater_purpose()) = 'upkeep');
DO $$
DECLARE
    allows text := $policy$
        workspace_id = (SELECT breakwater_workspace_with(%1$L))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND (collection_id = ANY ((SELECT breakwater_granted(%1$L, 'collection'))::uuid[])
                OR document_id = ANY ((SELECT breakwater_granted(%1$L, 'document'))::uuid[])) $policy$;
    reads text := format(allows, 'documents:read');
    writes text := format(allows, 'documents:write');
BEGIN
    EXECUTE 'CREATE POLICY read ON document_comments FOR SELECT TO breakwater_service USING (' || reads || ')';
    -- Nobody speaks in another's name.
    EXECUTE 'CREATE POLICY add ON document_comments FOR INSERT TO breakwater_service
        WITH CHECK (created_by = (SELECT breakwater_user_id()) AND (' || writes || '))';
    EXECUTE 'CREATE POLICY change ON document_comments FOR UPDATE TO breakwater_service
        USING (created_by = (SELECT breakwater_user_id()) AND (' || writes || '))';
    -- The service asks who may delete one comment; whoever deletes a document for good deletes all of them.
    EXECUTE 'CREATE POLICY delete ON document_comments FOR DELETE TO breakwater_service USING (' || writes || ')';
END
$$;

-- Comments are told of like documents.
CREATE FUNCTION breakwater_tell_comments() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told document_comments := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    -- A user who goes changes no comment.
    IF TG_OP <> 'UPDATE' OR NEW.version <> OLD.version THEN
        INSERT INTO event_inbox (workspace, type, collection_id, document_id, actor_id)
        VALUES (told.workspace_id,
                CASE TG_OP WHEN 'INSERT' THEN 'comment.created' WHEN 'UPDATE' THEN 'comment.changed' ELSE 'comment.deleted' END,
                told.collection_id, told.document_id, breakwater_user_id());
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON document_comments
    FOR EACH ROW EXECUTE FUNCTION breakwater_tell_comments();
