//! Follows the file: a version that is good is published, one that is not is told and changes nothing.

use std::path::Path;
use std::time::Duration;

use super::trail;
use crate::app::AppState;

/// How often it is looked at. A new version is taken when two looks in a row saw it, so that none is taken half-written.
const EVERY: Duration = Duration::from_millis(500);

/// Follows it for as long as it is polled.
pub async fn run(app: AppState) {
    let Some(path) = app.config.edge.gateway_file.clone() else { return };
    let mut taken = Ok(app.edge.gateway_text());
    let mut last = taken.clone();
    // What is in use and not in the trail yet, since the database may be away.
    let mut untold = taken.clone().ok().map(|text| (text, "as the core started".to_owned()));
    loop {
        if let Some((text, summary)) = &untold {
            match trail::keep(&app, text, summary).await {
                Ok(()) => untold = None,
                Err(problem) => tracing::debug!(problem = problem.kind().slug, "the trail is told later"),
            }
        }
        tokio::time::sleep(EVERY).await;
        let seen = look(&path).await;
        let settled = seen == last;
        last = seen;
        if !settled || last == taken {
            continue;
        }
        taken = last.clone();
        let adopted = match &last {
            Ok(text) => adopt(&app, text.clone()).await.map(|summary| (text.clone(), summary)),
            Err(error) => Err(error.clone()),
        };
        match adopted {
            Ok((text, summary)) => {
                tracing::info!(file = %path.display(), summary, "the gateway file has changed");
                untold = Some((text, summary));
            }
            Err(error) => {
                tracing::error!(file = %path.display(), error, "the gateway file cannot be used; the last good one stays");
                app.edge.refuse_gateway(error);
            }
        }
    }
}

async fn look(path: &Path) -> Result<String, String> {
    tokio::fs::read_to_string(path).await.map_err(|error| error.to_string())
}

/// Checking a long file takes a while, and nobody is to wait for it.
async fn adopt(app: &AppState, text: String) -> Result<String, String> {
    let app = app.clone();
    let adopted = tokio::task::spawn_blocking(move || app.edge.adopt_gateway(text));
    adopted.await.map_err(|error| error.to_string())?.map_err(|error| format!("{error:#}"))
}
