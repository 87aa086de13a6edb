-- What a collection says of its documents besides their schema (core-service/src/documents/options): unique fields, references,
-- computed fields, a life cycle.

ALTER TABLE collections
    ADD COLUMN options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object');
-- Which collections refer to one, when it is renamed or deleted.
CREATE INDEX collections_references ON collections USING gin ((options -> 'references') jsonb_path_ops);

-- A reference names a document in its collection.
CREATE UNIQUE INDEX documents_place ON documents (collection_id, id);
DROP INDEX documents_by_id;

-- Unique fields: a hash of the values, once in a collection for each rule. The key decides between those who race.
CREATE TABLE document_keys (
    workspace_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    -- The fields' pointers, with blanks between.
    rule text NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    document_id uuid NOT NULL,
    CONSTRAINT document_keys_pkey PRIMARY KEY (collection_id, rule, hash),
    CONSTRAINT document_keys_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE,
    CONSTRAINT document_keys_document FOREIGN KEY (collection_id, document_id)
        REFERENCES documents (collection_id, id) ON DELETE CASCADE
);
CREATE INDEX document_keys_document_id ON document_keys (document_id);

-- References: who inserts one holds what it names, and waits for those who are deleting it. The service looks here, with the
-- document locked, before it deletes one; the cascade is for workspaces that go as a whole.
CREATE TABLE document_references (
    workspace_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    document_id uuid NOT NULL,
    -- As the collection's options name it.
    field text NOT NULL,
    target_collection_id uuid NOT NULL,
    target_id uuid NOT NULL,
    CONSTRAINT document_references_pkey PRIMARY KEY (document_id, field, target_id),
    CONSTRAINT document_references_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE,
    CONSTRAINT document_references_document FOREIGN KEY (collection_id, document_id)
        REFERENCES documents (collection_id, id) ON DELETE CASCADE,
    CONSTRAINT document_references_target FOREIGN KEY (target_collection_id, target_id)
        REFERENCES documents (collection_id, id) ON DELETE CASCADE
);
CREATE INDEX document_references_target_id ON document_references (target_id, document_id);
CREATE INDEX document_references_collection_id ON document_references (collection_id);

-- Options name collections, and whoever may write documents need not see all of them.
CREATE FUNCTION breakwater_collection_named(named text) RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN (SELECT id FROM collections WHERE workspace_id = breakwater_member_workspace() AND name = named);
END
$$;
COMMENT ON FUNCTION breakwater_collection_named IS
    'The collection of this name in the workspace that the transaction works in; null for strangers.';
REVOKE EXECUTE ON FUNCTION breakwater_collection_named FROM PUBLIC;
GRANT EXECUTE ON FUNCTION breakwater_collection_named TO breakwater_service;

DO $$
DECLARE
    name text;
    writes text := $policy$
        workspace_id = (SELECT breakwater_workspace_with('documents:write'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND (collection_id = ANY ((SELECT breakwater_granted('documents:write', 'collection'))::uuid[])
                OR document_id = ANY ((SELECT breakwater_granted('documents:write', 'document'))::uuid[])) $policy$;
BEGIN
    FOREACH name IN ARRAY ARRAY['document_keys', 'document_references'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY read ON %I FOR SELECT TO breakwater_service
            USING (workspace_id = (SELECT breakwater_member_workspace()))', name);
        EXECUTE format('CREATE POLICY add ON %I FOR INSERT TO breakwater_service WITH CHECK (%s)', name, writes);
        EXECUTE format('CREATE POLICY delete ON %I FOR DELETE TO breakwater_service USING (%s)', name, writes);
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END
$$;
