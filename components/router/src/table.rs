//! All routes, ready to be asked.

use std::cmp::Ordering;

use breakwater_kit::types::{Problem, RequestHead};

use crate::conditions::Conditions;
use crate::config::{Compiled, Entry};
use crate::hosts::Hosts;
use crate::trie::Trie;
use crate::versions::Versioning;

/// Routes by host, and then by the shape of their path.
pub struct Table {
    hosts: Hosts<Paths>,
    rules: Vec<Rule>,
}

/// The routes of one host.
#[derive(Default)]
struct Paths {
    trie: Trie,
    /// By number of shape.
    places: Vec<Place>,
}

/// What can be asked of one shape of path.
#[derive(Default)]
struct Place {
    /// Methods and the numbers of their routes, the most specific first.
    methods: Vec<(String, Vec<usize>)>,
    /// Whether any of the routes looks further than host, path and method.
    conditional: bool,
}

struct Rule {
    conditions: Conditions,
    version: Option<String>,
    compiled: Compiled,
}

/// What there is for a request.
pub enum Found<'a> {
    /// A route, and the request headers that the choice depended on.
    Route(&'a Compiled, Vec<String>),
    /// The path is there, with these methods.
    OtherMethods(String),
    /// The path is there, in these versions.
    OtherVersions(Vec<&'a str>),
    Nothing,
}

impl Table {
    /// Compiles the routes, or names two that are in conflict.
    pub fn new(entries: Vec<Entry>) -> Result<Self, String> {
        let mut table = Self { hosts: Hosts::default(), rules: Vec::with_capacity(entries.len()) };
        for Entry { hosts, methods, pattern, conditions, version, compiled } in entries {
            let number = table.rules.len();
            table.rules.push(Rule { conditions, version, compiled });
            let every_host = hosts.is_empty().then_some(None);
            for host in hosts.iter().map(Some).chain(every_host) {
                let paths = table.hosts.entry(host);
                let shape = paths.trie.insert(&pattern);
                if shape == paths.places.len() {
                    paths.places.push(Place::default());
                }
                for method in &methods {
                    paths.places[shape].add(method, number, &table.rules)?;
                }
            }
        }
        Ok(table)
    }

    /// The request headers that conditions look at.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(|rule| rule.conditions.varies())
    }

    /// The route for a request whose path has this one form.
    ///
    /// Hosts come first, then paths, each from the most to the least specific; a route whose conditions do not hold is
    /// not there. Method and version count at the place that was found.
    pub fn find(&self, request: &RequestHead, path: &str, versions: Option<&Versioning>) -> Result<Found<'_>, Problem> {
        // The places that were passed by had a say, too.
        let mut passed = Vec::new();
        for paths in self.hosts.find(&request.authority) {
            let found = paths.trie.find(path, &mut |shape| {
                let accepted = paths.places[shape].is_there(request, &self.rules);
                if !accepted {
                    passed.push(&paths.places[shape]);
                }
                accepted
            });
            if let Some(shape) = found {
                return self.choose(&paths.places[shape], &passed, request, versions);
            }
        }
        Ok(Found::Nothing)
    }

    fn choose<'a>(
        &'a self,
        place: &'a Place,
        passed: &[&Place],
        request: &RequestHead,
        versions: Option<&Versioning>,
    ) -> Result<Found<'a>, Problem> {
        let there = |method: &str| self.there(place, method, request);
        let mut method = request.method.as_str();
        if there(method).next().is_none() {
            // RFC 9110, section 9.3.2.
            method = "GET";
            if request.method != "HEAD" || there(method).next().is_none() {
                return Ok(Found::OtherMethods(place.allow(|method| there(method).next().is_some())));
            }
        }
        if !place.conditional && passed.is_empty() {
            return Ok(there(method).next().map_or(Found::Nothing, |rule| Found::Route(&rule.compiled, Vec::new())));
        }
        let chosen = match versions.filter(|_| there(method).any(|rule| rule.version.is_some())) {
            None => there(method).next(),
            Some(versions) => {
                let asked = versions.asked(request)?;
                there(method).find(|rule| rule.version.as_deref().is_none_or(|version| version == asked))
            }
        };
        let Some(rule) = chosen else {
            return Ok(Found::OtherVersions(there(method).filter_map(|rule| rule.version.as_deref()).collect()));
        };
        let varies = passed.iter().copied().chain([place]).flat_map(|place| self.varies(place, versions));
        let mut varies: Vec<String> = varies.map(str::to_owned).collect();
        varies.sort_unstable();
        varies.dedup();
        Ok(Found::Route(&rule.compiled, varies))
    }

    /// The routes of a method that are there for the request, the most specific first.
    fn there<'t, 'r>(
        &'t self,
        place: &'t Place,
        method: &str,
        request: &'r RequestHead,
    ) -> impl Iterator<Item = &'t Rule> + use<'t, 'r> {
        let rules = place.routes(method).iter().map(|number| &self.rules[*number]);
        rules.filter(|rule| !place.conditional || rule.conditions.hold(request))
    }

    fn varies<'a>(
        &'a self,
        place: &'a Place,
        versions: Option<&'a Versioning>,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let rules = place.methods.iter().flat_map(|(_, numbers)| numbers).map(|number| &self.rules[*number]);
        rules.flat_map(move |rule| {
            let version = versions.filter(|_| rule.version.is_some()).map(|versions| versions.header.as_str());
            rule.conditions.varies().chain(version)
        })
    }
}

impl Rule {
    fn is_plain(&self) -> bool {
        self.conditions.is_empty() && self.version.is_none()
    }

    /// Which of two is asked first, if it matters.
    fn specificity(&self, other: &Self) -> Ordering {
        let versions = self.version.is_some().cmp(&other.version.is_some());
        self.conditions.specificity(&other.conditions).then(versions)
    }

    fn excludes(&self, other: &Self) -> bool {
        let versions = self.version.as_ref().zip(other.version.as_ref()).is_some_and(|(one, other)| one != other);
        versions || self.conditions.exclude(&other.conditions)
    }
}

impl Place {
    /// Adds a route, or says which other one takes its requests as well.
    fn add(&mut self, method: &str, number: usize, rules: &[Rule]) -> Result<(), String> {
        let rule = &rules[number];
        let at = match self.methods.iter().position(|(known, _)| known == method) {
            Some(at) => at,
            None => {
                self.methods.push((method.to_owned(), Vec::new()));
                self.methods.len() - 1
            }
        };
        let routes = &mut self.methods[at].1;
        let conflict = routes
            .iter()
            .map(|other| &rules[*other])
            .find(|other| rule.specificity(other) == Ordering::Equal && !rule.excludes(other));
        if let Some(other) = conflict {
            let (one, other) = (&other.compiled.route.id, &rule.compiled.route.id);
            return Err(format!(
                "routes {one:?} and {other:?} both answer {method} on the same path, and none is more specific"
            ));
        }
        let after = routes.partition_point(|other| rules[*other].specificity(rule) != Ordering::Less);
        routes.insert(after, number);
        self.conditional |= !rule.is_plain();
        Ok(())
    }

    /// Whether any of its routes is there for the request.
    fn is_there(&self, request: &RequestHead, rules: &[Rule]) -> bool {
        !self.conditional
            || self
                .methods
                .iter()
                .flat_map(|(_, numbers)| numbers)
                .any(|number| rules[*number].conditions.hold(request))
    }

    fn routes(&self, method: &str) -> &[usize] {
        self.methods.iter().find(|(known, _)| known == method).map_or(&[], |(_, routes)| routes)
    }

    /// For the header `allow`.
    fn allow(&self, is_there: impl Fn(&str) -> bool) -> String {
        let mut names: Vec<&str> =
            self.methods.iter().map(|(name, _)| name.as_str()).filter(|name| is_there(name)).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }
}
