//! An upload's row and its representation.

use axum::response::{IntoResponseParts, ResponseParts};
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::protocol::{UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_OFFSET};
use crate::http::http_date;
use crate::problem::{Problem, Result};

/// An upload that can be resumed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Upload {
    /// Its id.
    pub id: Uuid,
    /// How many bytes it has when it is whole.
    pub length: i64,
    /// How many are there.
    pub received: i64,
    /// The file that it has become; null until it is whole.
    #[schema(required = true)]
    pub file: Option<Uuid>,
    /// Until then it can be resumed; each piece that arrives puts it off.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

impl Upload {
    /// The caller's upload.
    pub(super) async fn find(tx: &mut PgConnection, workspace: Uuid, user: Uuid, id: Uuid) -> Result<Self> {
        sqlx::query_as!(
            Self,
            "SELECT u.id, u.length, u.received, u.became AS file, c.expires_at FROM uploads u JOIN file_contents c ON c.id = u.id
             WHERE u.workspace_id = $1 AND u.created_by = $2 AND u.id = $3 AND (u.became IS NOT NULL OR c.expires_at > now())",
            workspace,
            user,
            id
        )
        .fetch_optional(tx)
        .await?
        .ok_or_else(Problem::not_found)
    }
}

/// The protocol's headers.
impl IntoResponseParts for &Upload {
    type Error = Problem;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts> {
        let headers = parts.headers_mut();
        headers.insert(UPLOAD_OFFSET, HeaderValue::from(self.received));
        headers.insert(UPLOAD_LENGTH, HeaderValue::from(self.length));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.file.is_none() {
            let expires = http_date(self.expires_at);
            headers.insert(UPLOAD_EXPIRES, HeaderValue::try_from(expires).map_err(Problem::internal)?);
        }
        Ok(parts)
    }
}

/// Where an upload is, as its answers say.
pub(super) fn location(workspace: Uuid, id: Uuid) -> [(HeaderName, String); 1] {
    [(header::LOCATION, format!("/api/v1/workspaces/{workspace}/uploads/{id}"))]
}
