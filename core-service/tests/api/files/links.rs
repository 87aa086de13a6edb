//! Who has a link needs no account.

use http::Method;
use serde_json::{Value, json};

use super::{file, replace};
use crate::cast::Cast;
use crate::support::{Answer, User};

async fn link(cast: &Cast, user: &User, id: &str, body: Value) -> String {
    let answer = cast.send(user, Method::POST, format!("/files/{id}/links"), body).await.expect(200).json();
    let url = answer["url"].as_str().unwrap();
    url.strip_prefix("http://127.0.0.1:3000").expect("it leads to the edge").to_owned()
}

async fn open(cast: &Cast, path: &str) -> Answer {
    cast.app.get(path).send().await
}

#[tokio::test]
async fn a_link_leads_to_the_newest_content_until_it_is_revoked() {
    let cast = Cast::new().await;
    let id = file(&cast, "a.txt", "one").await;
    let saved = link(&cast, &cast.viewer, &id, json!({})).await;
    let shown = link(&cast, &cast.editor, &id, json!({ "expires_in": 604_800, "disposition": "inline" })).await;
    replace(&cast, &id, "two").await.expect(200);
    let answer = open(&cast, &saved).await.expect(200);
    assert_eq!(&answer.body[..], b"two");
    assert!(answer.header("content-disposition").starts_with("attachment; filename=\"a.txt\""));
    assert!(open(&cast, &shown).await.expect(200).header("content-disposition").starts_with("inline;"));
    let part = cast.app.get(&saved).header("range", "bytes=0-0").send().await.expect(206);
    assert_eq!(&part.body[..], b"t");
    // Longer ones are for those who may write, and are in the trail.
    let long = cast.send(&cast.viewer, Method::POST, format!("/files/{id}/links"), json!({ "expires_in": 3601 }));
    long.await.problem(403, "forbidden");
    let too_long =
        cast.send(&cast.editor, Method::POST, format!("/files/{id}/links"), json!({ "expires_in": 604_801 }));
    too_long.await.problem(422, "validation-failed");
    let trail = cast.read(&cast.admin, "/audit?action=file.linked").await.expect(200).json();
    assert_eq!(trail["items"].as_array().unwrap().len(), 1, "{trail}");
    cast.call(&cast.viewer, Method::DELETE, format!("/files/{id}/links")).send().await.problem(403, "forbidden");
    cast.call(&cast.editor, Method::DELETE, format!("/files/{id}/links")).send().await.expect(204);
    for path in [&saved, &shown] {
        open(&cast, path).await.problem(404, "not-found");
    }
    let again = link(&cast, &cast.viewer, &id, json!({})).await;
    open(&cast, &again).await.expect(200);
    cast.call(&cast.editor, Method::DELETE, format!("/files/{id}")).send().await.expect(204);
    open(&cast, &again).await.problem(404, "not-found");
}

#[tokio::test]
async fn nobody_makes_a_link_themselves() {
    let cast = Cast::new().await;
    let id = file(&cast, "a.txt", "one").await;
    let good = link(&cast, &cast.viewer, &id, json!({})).await;
    let (place, token) = good.rsplit_once('=').unwrap();
    // Any other character of it, and it is none.
    for at in [0, 30, 50, 54, 60, token.len() - 1] {
        let mut other = token.to_owned().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        open(&cast, &format!("{place}={other}")).await.problem(404, "not-found");
    }
    for other in ["x", "%2F", &token[..40], &format!("{token}AAAA")] {
        open(&cast, &format!("{place}={other}")).await.problem(404, "not-found");
    }
    // It ends by itself.
    let short = link(&cast, &cast.viewer, &id, json!({ "expires_in": 1 })).await;
    while open(&cast, &short).await.status != 404 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    open(&cast, &good).await.expect(200);
}
