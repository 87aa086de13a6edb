-- Files that documents name (core-service/src/documents/options/attachments.rs). Who inserts one holds the file, and waits for those who are
-- deleting it. The service looks here, with the file locked, before it deletes one; the cascade is for workspaces that go as a whole.
CREATE TABLE document_files (
    workspace_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    document_id uuid NOT NULL,
    -- As the collection's options name it.
    field text NOT NULL,
    file_id uuid NOT NULL,
    CONSTRAINT document_files_pkey PRIMARY KEY (document_id, field, file_id),
    CONSTRAINT document_files_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE,
    CONSTRAINT document_files_document FOREIGN KEY (collection_id, document_id)
        REFERENCES documents (collection_id, id) ON DELETE CASCADE,
    CONSTRAINT document_files_file FOREIGN KEY (file_id) REFERENCES files ON DELETE CASCADE
);
CREATE INDEX document_files_file_id ON document_files (file_id);
CREATE INDEX document_files_collection_id ON document_files (collection_id);

ALTER TABLE document_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_files FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON document_files TO breakwater_service;
CREATE POLICY read ON document_files FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_member_workspace()));
DO $$
DECLARE
    writes text := $policy$
        workspace_id = (SELECT breakwater_workspace_with('documents:write'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND (collection_id = ANY ((SELECT breakwater_granted('documents:write', 'collection'))::uuid[])
                OR document_id = ANY ((SELECT breakwater_granted('documents:write', 'document'))::uuid[])) $policy$;
BEGIN
    EXECUTE format('CREATE POLICY add ON document_files FOR INSERT TO breakwater_service WITH CHECK (%s)', writes);
    EXECUTE format('CREATE POLICY delete ON document_files FOR DELETE TO breakwater_service USING (%s)', writes);
END
$$;
