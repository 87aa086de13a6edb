//! What no policy can see alone: names that nobody has, routes with two answers or none, and routes over the core's own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::file::File;
use super::mistake::{Mistake, Place, at};
use super::route::Route;
use super::shadow;
use crate::edge::routes::Own;

/// Everything that is wrong with the file, given the snapshot without it.
pub(super) fn all(file: &File, document: &Value, own: &Own) -> Vec<Mistake> {
    let names = Names::new(file, document, own);
    let upstreams = file.upstreams.iter();
    let mut mistakes: Vec<_> =
        upstreams.flat_map(|(name, upstream)| upstream.mistakes(name, &at("upstreams").of(name))).collect();
    let mut ids = BTreeMap::new();
    for (number, route) in file.routes.iter().enumerate() {
        let place = at("routes").of(number);
        if ids.insert(&route.id, number).is_some() || own.ids().any(|id| id == route.id && id != Own::FILES) {
            let text = format!("another route has the id {:?}", route.id);
            mistakes.push(place.clone().of("id").wrong(text));
        }
        self::route(route, &place, file, &names, &mut mistakes);
        mistakes.extend(shadow::mistake(route, own).map(|text| place.of("path").wrong(text)));
    }
    for (number, limit) in file.limits.iter().enumerate() {
        let unknown = limit.costs.keys().filter(|id| !names.routes.contains(id.as_str()));
        let place = || at("limits").of(number).of("costs");
        mistakes.extend(unknown.map(|id| place().of(id).wrong(format!("no route has the id {id:?}"))));
    }
    mistakes
}

/// What can be named.
struct Names<'a> {
    upstreams: BTreeSet<&'a str>,
    limits: BTreeSet<&'a str>,
    routes: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn new(file: &'a File, document: &'a Value, own: &'a Own) -> Self {
        let configured = document["rate_limiting"]["limits"].as_array().into_iter().flatten();
        let configured = configured.filter_map(|limit| limit["name"].as_str());
        Self {
            upstreams: file.upstreams.keys().map(String::as_str).chain(["core"]).collect(),
            limits: file.limits.iter().map(|limit| limit.name.as_str()).chain(configured).collect(),
            routes: file.routes.iter().map(|route| route.id.as_str()).chain(own.ids()).collect(),
        }
    }
}

fn route(route: &Route, place: &Place, file: &File, names: &Names<'_>, mistakes: &mut Vec<Mistake>) {
    let mut wrong = |member: &str, text: String| mistakes.push(place.clone().of(member).wrong(text));
    match route.targets() {
        1 => {}
        0 => wrong("id", "say who answers: `upstream`, `split`, `redirect`, or `static_files = true`".to_owned()),
        _ => wrong("id", "only one of `upstream`, `split`, `redirect` and `static_files` can answer".to_owned()),
    }
    for (member, name) in route.upstreams().filter(|(_, name)| !names.upstreams.contains(name)) {
        wrong(member, format!("there is no upstream {name:?}; there are {}", listed(&names.upstreams)));
    }
    for name in route.limits.iter().flatten().filter(|name| !names.limits.contains(name.as_str())) {
        wrong("limits", format!("there is no limit {name:?}; there are {}", listed(&names.limits)));
    }
    if !["public", "optional", "required"].contains(&route.authentication.as_str()) {
        wrong("authentication", "write \"public\", \"optional\" or \"required\"".to_owned());
    }
    if route.sticky.is_some() && route.split.is_none() {
        wrong("sticky", "it is for a `split`".to_owned());
    }
    if route.mirror.as_ref().is_some_and(|mirror| !(0.01..=100.0).contains(&mirror.percent)) {
        wrong("mirror", "`percent` is between 0.01 and 100".to_owned());
    }
    if let Err((member, text)) = route.notices(file.versioning.as_ref()) {
        wrong(member, text);
    }
}

fn listed(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}
