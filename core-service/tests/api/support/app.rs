//! The app, over a database of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tempfile::TempDir;

use core_service::app::{self, AppState};
use core_service::config::Config;

use super::client::Call;
use super::database::TestDatabase;
use super::edge::EDGE_KEY;
use crate::mail::parts::Read as Mail;

/// Environment variables of the configuration.
pub type Settings = Vec<(String, String)>;

/// `[("IDENTITY__ALGORITHM", "ES256")]` as settings.
pub fn settings<const N: usize>(list: [(&str, &str); N]) -> Settings {
    list.map(|(key, value)| (format!("BREAKWATER_{key}"), value.to_owned())).into()
}

pub struct TestApp {
    pub router: Router,
    pub state: AppState,
    pub config: Config,
    database: TestDatabase,
    mails: TempDir,
    files: TempDir,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    pub email: String,
    pub password: String,
    pub access_token: String,
    pub refresh_token: String,
}

impl User {
    /// Reads what sign-in answered.
    pub fn of(body: &Value, password: &str) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            id: text(&body["user"]["id"]),
            email: text(&body["user"]["email"]),
            password: password.to_owned(),
            access_token: text(&body["access_token"]),
            refresh_token: text(&body["refresh_token"]),
        }
    }
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(settings([])).await
    }

    /// With some settings of the test's own.
    pub async fn start_with(own: Settings) -> Self {
        let database = TestDatabase::new().await;
        let mails = tempfile::tempdir().unwrap();
        let files = tempfile::tempdir().unwrap();
        let secret = URL_SAFE_NO_PAD.encode([9; 32]);
        let mut all = settings([
            ("DATABASE__URL", database.service_url().as_str()),
            ("DATABASE__MAX_CONNECTIONS", "5"),
            ("IDENTITY__SECRET_KEY", &secret),
            ("IDENTITY__EMAIL_VERIFICATION", "optional"),
            ("EDGE__KEYS", &EDGE_KEY.text()),
            ("MAIL__FOLDER", mails.path().to_str().unwrap()),
            ("FILES__FOLDER", files.path().to_str().unwrap()),
        ]);
        all.extend(own);
        let config = Config::load_with(None, all).unwrap();
        let (state, router) = app::build(config.clone()).unwrap();
        Self { router, state, config, database, mails, files }
    }

    /// Another core over the same database: other memory, same truth.
    pub fn another(&self) -> (AppState, Router) {
        app::build(self.config.clone()).unwrap()
    }

    /// The database, behind row-level security.
    pub async fn database(&self) -> PgConnection {
        self.database.connect().await
    }

    /// The folder of the file store.
    pub fn files(&self) -> &std::path::Path {
        self.files.path()
    }

    /// Every mail that was written, oldest first.
    pub fn mails(&self) -> Vec<String> {
        let mut files: Vec<_> = self.mails.path().read_dir().unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    /// Does what is due and gives the mails to `email`, oldest first.
    pub async fn mailed(&self, email: &str) -> Vec<Mail> {
        core_service::events::run_due(&self.state, &app::handlers()).await.unwrap();
        let mails = self.mails();
        mails.iter().map(|mail| crate::mail::parts::read(mail)).filter(|mail| mail.header("to") == email).collect()
    }

    /// The code in the newest mail to `email`.
    pub async fn mailed_code(&self, email: &str) -> String {
        self.mailed(email).await.last().unwrap_or_else(|| panic!("no mail to {email}")).code()
    }

    pub fn call(&self, method: Method, path: &str) -> Call {
        Call::new(self.router.clone(), method, path)
    }

    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    pub fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
    }

    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// A new user, signed in.
    pub async fn user(&self) -> User {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let email = format!("user-{}@example.org", COUNT.fetch_add(1, Ordering::Relaxed));
        let password = "correct horse battery";
        let new = json!({ "email": email, "password": password });
        let answer = self.post("/api/v1/auth/register").json(new).send().await.expect(201);
        User::of(&answer.json(), password)
    }

    /// The same user, signed in once more.
    pub async fn sign_in(&self, user: &User) -> User {
        let body = json!({ "email": user.email, "password": user.password });
        let answer = self.post("/api/v1/auth/login").json(body).send().await.expect(200);
        User::of(&answer.json(), &user.password)
    }
}
