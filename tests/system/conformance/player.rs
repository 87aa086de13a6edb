//! Plays a case: as the client before an edge, and as the origin behind it.

use std::time::{Duration, Instant, SystemTime};

use reqwest::header::HeaderMap;
use reqwest::{Method, Response};

use super::table::{Case, Check, Expected, Step};
use crate::fixture::core::{Asked, Scripted};
use crate::fixture::edge::Edge;

/// Pauses between steps. An edge keeps an answer beside giving it, and how long that takes is the machine's affair: a case
/// that does not hold is played again more slowly, with a path of its own. One that is wrong is so at every pace.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// Whether it holds, or what is wrong.
pub async fn play(edge: &Edge, case: &Case) -> Result<(), String> {
    let mut wrong = String::new();
    for pause in PAUSES {
        match Play::new(edge).run(case, pause).await {
            Ok(()) => return Ok(()),
            Err(text) => wrong = text,
        }
    }
    Err(format!("{} — {}: {wrong}", case.section, case.title))
}

/// A case that is being played.
struct Play<'a> {
    edge: &'a Edge,
    path: String,
    start: SystemTime,
    /// Status and body of what the origin said in each step.
    said: Vec<(u16, String)>,
}

struct Got {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl<'a> Play<'a> {
    fn new(edge: &'a Edge) -> Self {
        let path = format!("/rfc/{}", uuid::Uuid::now_v7());
        Self { edge, path, start: SystemTime::now(), said: Vec::new() }
    }

    async fn run(mut self, case: &Case, pause: Duration) -> Result<(), String> {
        for (number, step) in case.steps.iter().enumerate() {
            if number > 0 {
                tokio::time::sleep(pause).await;
            }
            self.step(step).await.map_err(|wrong| format!("step {}: {wrong}", number + 1))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        self.prepare(step);
        let before = self.asked().len();
        let got = self.ask(step).await;
        let mut asked = self.asked().split_off(before);
        if matches!(step.expected, Expected::Behind(_)) {
            let start = Instant::now();
            while asked.is_empty() && start.elapsed() < Duration::from_secs(10) {
                tokio::time::sleep(Duration::from_millis(10)).await;
                asked = self.asked().split_off(before);
            }
        }
        let got_told = format!("got {} {:?} {:?}", got.status, got.body, got.headers.get("cache-status"));
        match (step.answer.is_some(), asked.len()) {
            (true, 0) => return Err(format!("the origin was not asked; {got_told}")),
            (false, 1..) => return Err(format!("the origin was asked; {got_told}")),
            _ => {}
        }
        let (status, body) = match step.expected {
            Expected::New => self.said.last().cloned().map(|(status, body)| (status, Some(body))).unwrap(),
            Expected::Kept(number) | Expected::Behind(number) => {
                let (status, body) = self.said[number - 1].clone();
                (status, Some(body))
            }
            Expected::Status(status) => (status, None),
        };
        let body = body.map(|body| if step.method == "HEAD" { String::new() } else { body });
        if got.status != status || body.is_some_and(|body| body != got.body) {
            return Err(format!("another answer than expected; {got_told}"));
        }
        for check in &step.checks {
            self.check(check, &got.headers, Some(&got.body)).map_err(|wrong| format!("the answer's {wrong}"))?;
        }
        for check in asked.last().into_iter().flat_map(|asked| step.seen.iter().map(move |check| (asked, check))) {
            self.check(check.1, &check.0.headers, None).map_err(|wrong| format!("the question's {wrong}"))?;
        }
        Ok(())
    }

    /// Tells the origin what to say.
    fn prepare(&mut self, step: &Step) {
        let scripted = step.answer.as_ref().map(|answer| {
            let number = self.said.len() + 1;
            let bodiless = matches!(answer.status, 204 | 304);
            let body = answer.body.map_or_else(|| format!("answer {number} of {}", self.path), str::to_owned);
            let headers = answer.headers.iter().map(|(name, value)| ((*name).to_owned(), self.fill(value))).collect();
            Scripted { status: answer.status, headers, body: if bodiless { String::new() } else { body } }
        });
        // A step that asks nobody has no answer of its own; nobody refers to it.
        let told = scripted.as_ref().map(|scripted| (scripted.status, scripted.body.clone()));
        self.said.push(told.unwrap_or_default());
        self.edge.core.script(&self.path, scripted);
    }

    async fn ask(&self, step: &Step) -> Got {
        let method = Method::from_bytes(step.method.as_bytes()).unwrap();
        let mut request = self.edge.request(method, &format!("{}/{}", self.path, step.path));
        for (name, value) in &step.headers {
            request = request.header(*name, self.fill(value));
        }
        let answer: Response = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Got { status, headers, body: answer.text().await.unwrap() }
    }

    fn asked(&self) -> Vec<Asked> {
        self.edge.core.asked(&self.path)
    }

    /// Puts in what the table cannot know.
    fn fill(&self, text: &str) -> String {
        let mut filled = text.replace("{path}", &self.path);
        while let Some((before, rest)) = filled.split_once("{now") {
            let (offset, after) = rest.split_once('}').unwrap();
            let offset: i64 = if offset.is_empty() { 0 } else { offset.parse().unwrap() };
            let shift = Duration::from_secs(offset.unsigned_abs());
            let time = if offset < 0 { self.start - shift } else { self.start + shift };
            filled = format!("{before}{}{after}", httpdate::fmt_http_date(time));
        }
        filled
    }

    fn check(&self, check: &Check, headers: &HeaderMap, body: Option<&str>) -> Result<(), String> {
        let value = |name: &str| {
            if let (Some(body), "body") = (body, name) {
                return Some(body.to_owned());
            }
            let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
            (!values.is_empty()).then(|| values.join(", "))
        };
        let (name, holds) = match check {
            Check::Is(name, "*") => (name, value(name).is_some()),
            Check::Is(name, wanted) => (name, value(name).as_deref() == Some(self.fill(wanted).as_str())),
            Check::Contains(name, part) => (name, value(name).is_some_and(|value| value.contains(part))),
            Check::Lacks(name, part) => (name, value(name).is_some_and(|value| !value.contains(part))),
            Check::Absent(name) => (name, value(name).is_none()),
        };
        if holds { Ok(()) } else { Err(format!("{name} is {:?}", value(name))) }
    }
}
