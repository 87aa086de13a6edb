-- Documents that everybody may read, because their collection's options say so (core-service/src/documents/public).

CREATE POLICY public ON collections FOR SELECT TO breakwater_service
    USING ((SELECT breakwater_purpose()) = 'public' AND workspace_id = (SELECT breakwater_workspace_id())
        AND options -> 'public' IS NOT NULL);

CREATE FUNCTION breakwater_public_collections() RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF breakwater_purpose() IS DISTINCT FROM 'public' THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT array_agg(id) FROM collections
            WHERE workspace_id = breakwater_workspace_id() AND options -> 'public' IS NOT NULL);
END
$$;
COMMENT ON FUNCTION breakwater_public_collections IS
    'The collections of the workspace that everybody may read, in a transaction that reads for everybody; null in others.';
REVOKE EXECUTE ON FUNCTION breakwater_public_collections FROM PUBLIC;
GRANT EXECUTE ON FUNCTION breakwater_public_collections TO breakwater_service;

-- As member_documents is for members (docs/decisions/0010). Which documents of them, the collection's own filter says.
CREATE VIEW public_documents AS
    SELECT * FROM documents WHERE collection_id = ANY ((SELECT breakwater_public_collections())::uuid[]);
GRANT SELECT ON public_documents TO breakwater_service;

-- Every write to such a collection purges what edges keep of it.
CREATE POLICY worker ON edge_purges USING ((SELECT breakwater_purpose()) = 'worker');
INSERT INTO event_consumers (name) VALUES ('public-purges');
