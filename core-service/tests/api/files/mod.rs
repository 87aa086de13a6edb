//! Files, over a store in a folder of the test's own.

mod downloads;
mod folders;
mod links;
mod plans;
mod quota;
mod retention;
mod s3;
mod sweep;
mod trash;
pub mod uploads;
mod versions;
mod whole;

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::support::{Answer, Call, User};

/// An upload of text to the top.
pub fn upload(cast: &Cast, user: &User, name: &str, content: &str) -> Call {
    let call = cast.call(user, Method::POST, format!("/files?name={name}"));
    call.header("content-type", "text/plain").body(content.to_owned())
}

/// The same, done by the editor; its id.
pub async fn file(cast: &Cast, name: &str, content: &str) -> String {
    let answer = upload(cast, &cast.editor, name, content).send().await.expect(201);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// A new version, uploaded by the editor.
async fn replace(cast: &Cast, id: &str, content: &str) -> Answer {
    let call = cast.call(&cast.editor, Method::PUT, format!("/files/{id}/content"));
    call.header("content-type", "text/plain").body(content.to_owned()).send().await
}

/// What is in a file, as the viewer downloads it.
async fn content(cast: &Cast, id: &str) -> String {
    let answer = cast.read(&cast.viewer, format!("/files/{id}/content")).await.expect(200);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// A folder made by the editor; its id.
async fn folder(cast: &Cast, name: &str, parent: Option<&str>) -> String {
    let body = json!({ "name": name, "parent": parent });
    let answer = cast.send(&cast.editor, Method::POST, "/folders", body).await.expect(201);
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// How many pieces of content lie in the store, half written ones as well.
fn stored(cast: &Cast) -> usize {
    let folders = std::fs::read_dir(cast.app.files()).into_iter().flatten();
    folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
}
