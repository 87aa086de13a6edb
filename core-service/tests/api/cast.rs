//! A workspace with a member of every role, and a stranger with a workspace of their own.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Call, TestApp, User};

pub struct Cast {
    pub app: TestApp,
    pub workspace: String,
    pub owner: User,
    pub admin: User,
    pub editor: User,
    pub viewer: User,
    pub stranger: User,
    /// The stranger's workspace.
    pub elsewhere: String,
}

impl Cast {
    pub async fn new() -> Self {
        Self::in_app(TestApp::start().await).await
    }

    pub async fn in_app(app: TestApp) -> Self {
        let owner = app.user().await;
        let workspace = workspace_of(&app, &owner).await;
        let stranger = app.user().await;
        let elsewhere = workspace_of(&app, &stranger).await;
        let cast = Self {
            admin: app.user().await,
            editor: app.user().await,
            viewer: app.user().await,
            app,
            workspace,
            owner,
            stranger,
            elsewhere,
        };
        for (user, role) in [(&cast.admin, "admin"), (&cast.editor, "editor"), (&cast.viewer, "viewer")] {
            cast.add(user, role).await;
        }
        cast
    }

    pub fn member(&self, role: &str) -> &User {
        match role {
            "owner" => &self.owner,
            "admin" => &self.admin,
            "editor" => &self.editor,
            "viewer" => &self.viewer,
            other => panic!("nobody is {other}"),
        }
    }

    /// Makes `user` a member.
    pub async fn add(&self, user: &User, role: &str) {
        let body = json!({ "email": user.email, "role": role });
        self.send(&self.owner, Method::POST, "/members", body).await.expect(201);
    }

    /// The path of something in the workspace.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}{rest}", self.workspace)
    }

    /// A call about something in the workspace.
    pub fn call(&self, user: &User, method: Method, rest: impl AsRef<str>) -> Call {
        self.app.call(method, &self.path(rest.as_ref())).bearer(&user.access_token)
    }

    /// The same with a JSON body, sent.
    pub async fn send(&self, user: &User, method: Method, rest: impl AsRef<str>, body: Value) -> Answer {
        self.call(user, method, rest).json(body).send().await
    }

    /// The same without a body: reads.
    pub async fn read(&self, user: &User, rest: impl AsRef<str>) -> Answer {
        self.call(user, Method::GET, rest).send().await
    }

    /// A collection, made by the owner.
    pub async fn collection(&self, name: &str, schema: Value) {
        let body = json!({ "name": name, "schema": schema });
        self.send(&self.owner, Method::POST, "/collections", body).await.expect(201);
    }

    /// A document, made by the editor; its id.
    pub async fn document(&self, collection: &str, data: Value) -> String {
        let path = format!("/collections/{collection}/documents");
        let answer = self.send(&self.editor, Method::POST, &path, json!({ "data": data })).await.expect(201);
        answer.json()["id"].as_str().unwrap().to_owned()
    }
}

/// A new workspace of `user`'s; its id.
pub async fn workspace_of(app: &TestApp, user: &User) -> String {
    let call = app.post("/api/v1/workspaces").bearer(&user.access_token).json(json!({ "name": "Harbour" }));
    call.send().await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

/// Text as a query parameter's value.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
