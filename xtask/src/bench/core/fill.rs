//! Rows in bulk: users with a password, a session and its refresh token, ten to a workspace; a document and a grant for each.

use anyhow::Result;

use crate::postgres::Cluster;
use crate::stack::DATABASE;

/// Fills the database until it has so many users of the bench.
pub fn up_to(cluster: &Cluster, users: u32) -> Result<()> {
    let there: u32 =
        cluster.query(DATABASE, "SELECT count(*) FROM users WHERE email LIKE 'bench-%'")?.trim().parse()?;
    if there < users {
        cluster.query(DATABASE, &rows(there, users))?;
    }
    // What autovacuum would do in time.
    cluster.query(DATABASE, "VACUUM ANALYZE")?;
    Ok(())
}

/// SQL that makes the users from `there` on. Triggers and foreign keys are left out: the rows fit each other.
fn rows(there: u32, users: u32) -> String {
    let series = format!("generate_series({there}, {}) AS n", users - 1);
    format!(
        "SET session_replication_role = replica;
         -- UUIDs of version 7, a millisecond apart.
         CREATE OR REPLACE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
             SELECT (lpad(to_hex(1767225600000 + n), 12, '0') || '7000' || '8000' || left(md5(kind || n), 12))::uuid
         $$;
         INSERT INTO users (id, email, email_verified_at, display_name)
         SELECT pg_temp.id('user', n), 'bench-' || n || '@example.org', now(), 'User ' || n FROM {series};
         INSERT INTO passwords (user_id, hash)
         SELECT pg_temp.id('user', n), (SELECT hash FROM passwords LIMIT 1) FROM {series};
         INSERT INTO sessions (id, user_id, seed, expires_at, user_agent, address)
         SELECT pg_temp.id('session', n), pg_temp.id('user', n), sha256(n::text::bytea), now() + interval '30 days',
                'bench', '192.0.2.1' FROM {series};
         INSERT INTO refresh_tokens (hash, session_id, generation)
         SELECT sha256(('token' || n)::bytea), pg_temp.id('session', n), 0 FROM {series};
         INSERT INTO workspaces (id, name)
         SELECT pg_temp.id('workspace', n), 'Workspace ' || n FROM {series} WHERE n % 10 = 0;
         INSERT INTO workspace_members (workspace_id, user_id, role)
         SELECT pg_temp.id('workspace', n - n % 10), pg_temp.id('user', n), CASE n % 10 WHEN 0 THEN 'owner' ELSE 'editor' END
         FROM {series};
         INSERT INTO collections (id, workspace_id, name, schema)
         SELECT pg_temp.id('collection', n), pg_temp.id('workspace', n), 'notes', '{{}}' FROM {series} WHERE n % 10 = 0;
         INSERT INTO documents (id, workspace_id, collection_id, data, created_by, updated_by)
         SELECT pg_temp.id('document', n), pg_temp.id('workspace', n - n % 10), pg_temp.id('collection', n - n % 10),
                jsonb_build_object('title', 'Note ' || n, 'stars', n % 5), pg_temp.id('user', n), pg_temp.id('user', n)
         FROM {series};
         INSERT INTO grants (id, workspace_id, resource_type, resource_id, collection_id, permissions, user_id)
         SELECT pg_temp.id('grant', n), pg_temp.id('workspace', n - n % 10), 'document', pg_temp.id('document', n),
                pg_temp.id('collection', n - n % 10), '{{documents:read}}', pg_temp.id('user', n)
         FROM {series};"
    )
}
