//! What a session in support's hands may be used for: what is not said here, it may not.

use http::Method;
use serde_json::json;

use super::Support;
use crate::app::AppState;
use crate::audit::{self, Action, Denied, Event};
use crate::database::Scope;
use crate::identity::UserSession;
use crate::problem::{Problem, Result};

/// Keeps the request in the workspace's trail, or refuses it, which is kept as well.
pub(in crate::identity) async fn admit(
    app: &AppState,
    caller: &UserSession,
    support: Support,
    method: &Method,
    path: &str,
) -> Result<()> {
    if !allowed(&support.workspace.to_string(), method, path) {
        let missing = "what support may not do".to_owned();
        let denied = Denied { caller: caller.into(), workspace: support.workspace, missing };
        return Err(Problem::forbidden().detail("Support cannot do this in somebody's name.").refused(denied));
    }
    let path: String = path.chars().take(500).collect();
    let event = Event::by(caller, Action::SupportActed).in_workspace(support.workspace);
    let event = event.with(json!({ "method": method.as_str(), "path": path }));
    audit::record_alone(&app.database, &Scope::audit(), event).await
}

/// Reading in the one workspace, writing documents and files there, and signing out. What support deletes can be restored.
fn allowed(workspace: &str, method: &Method, path: &str) -> bool {
    if method == Method::POST && path == "/api/v1/auth/logout" {
        return true;
    }
    let rest = path.strip_prefix("/api/v1/workspaces/").and_then(|rest| rest.strip_prefix(workspace));
    match rest {
        Some("") => method == Method::GET,
        Some("/documents/bulk") => method == Method::POST,
        // Each thing that support does is kept in the trail, and this would never end.
        Some("/events/stream") => false,
        // `/collections/{collection}/trash/{document}`: gone for good.
        Some(rest) if method == Method::DELETE && rest.split('/').nth(3) == Some("trash") => false,
        Some(rest) if method == Method::DELETE && rest.starts_with("/files/trash/") => false,
        // With a link to a file, anybody could read it.
        Some(rest) if rest.starts_with("/files/") && rest.ends_with("/links") => false,
        Some("/files" | "/folders" | "/uploads") => true,
        Some(rest) if rest.starts_with('/') => {
            method == Method::GET
                || ["/collections/", "/files/", "/folders/", "/uploads/"].iter().any(|begin| rest.starts_with(begin))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_allowed_is_refused() {
        let workspace = "01997b6a-0000-7000-8000-000000000000";
        let here = format!("/api/v1/workspaces/{workspace}");
        for (method, path, expected) in [
            (Method::GET, here.clone(), true),
            (Method::GET, format!("{here}/members"), true),
            (Method::POST, format!("{here}/collections/a/documents"), true),
            (Method::POST, format!("{here}/documents/bulk"), true),
            (Method::GET, format!("{here}/events"), true),
            (Method::GET, format!("{here}/events/stream"), false),
            (Method::DELETE, format!("{here}/collections/trash/documents/b"), true),
            (Method::POST, format!("{here}/collections/a/trash/b/restore"), true),
            (Method::DELETE, format!("{here}/collections/a/trash/b"), false),
            (Method::POST, format!("{here}/files"), true),
            (Method::PUT, format!("{here}/files/a/content"), true),
            (Method::DELETE, format!("{here}/files/a"), true),
            (Method::DELETE, format!("{here}/files/trash/a"), false),
            (Method::POST, format!("{here}/files/a/links"), false),
            (Method::POST, format!("{here}/filesystem"), false),
            (Method::POST, "/api/v1/auth/logout".to_owned(), true),
            (Method::PATCH, here.clone(), false),
            (Method::DELETE, here.clone(), false),
            (Method::DELETE, format!("{here}/members/me"), false),
            (Method::POST, format!("{here}/transfer"), false),
            (Method::GET, format!("{here}x/members"), false),
            (Method::GET, "/api/v1/workspaces".to_owned(), false),
            (Method::GET, "/api/v1/workspaces/other/members".to_owned(), false),
            (Method::GET, "/api/v1/me".to_owned(), false),
            (Method::GET, "/api/v1/auth/logout".to_owned(), false),
        ] {
            assert_eq!(allowed(workspace, &method, &path), expected, "{method} {path}");
        }
    }
}
