//! All routes, ready to be asked.

use breakwater_kit::types::Route;

use crate::config::Entry;
use crate::trie::Trie;

/// Routes by the shape of their path.
pub struct Table {
    trie: Trie,
    /// By number of shape.
    places: Vec<Place>,
    routes: Vec<Route>,
}

/// What can be asked of one shape of path.
#[derive(Default)]
struct Place {
    /// Methods and where their routes are.
    methods: Vec<(String, usize)>,
    /// For the header `allow`.
    allow: String,
}

/// What there is for a method and a path.
pub enum Found<'a> {
    Route(&'a Route),
    /// The path is there, with these methods.
    OtherMethods(&'a str),
    Nothing,
}

impl Table {
    /// Compiles the routes, or names two that are in conflict.
    pub fn new(entries: Vec<Entry>) -> Result<Self, String> {
        let mut table = Self { trie: Trie::default(), places: Vec::new(), routes: Vec::with_capacity(entries.len()) };
        for Entry { methods, pattern, route } in entries {
            let shape = table.trie.insert(&pattern);
            if shape == table.places.len() {
                table.places.push(Place::default());
            }
            let place = &mut table.places[shape];
            for method in methods {
                if let Some((_, other)) = place.methods.iter().find(|(known, _)| *known == method) {
                    // An index past the end is this very route, which names a method twice.
                    let other = table.routes.get(*other).unwrap_or(&route);
                    return Err(format!(
                        "routes {:?} and {:?} both answer {method} on the same path",
                        other.id, route.id
                    ));
                }
                place.methods.push((method, table.routes.len()));
            }
            table.routes.push(route);
        }
        for place in &mut table.places {
            place.allow = place.allowed();
        }
        Ok(table)
    }

    /// The route for a method and a path in its one form.
    pub fn find(&self, method: &str, path: &str) -> Found<'_> {
        let Some(place) = self.trie.find(path).map(|shape| &self.places[shape]) else { return Found::Nothing };
        let route = place.route(method).or_else(|| if method == "HEAD" { place.route("GET") } else { None });
        match route {
            Some(index) => Found::Route(&self.routes[index]),
            None => Found::OtherMethods(&place.allow),
        }
    }
}

impl Place {
    fn route(&self, method: &str) -> Option<usize> {
        self.methods.iter().find(|(known, _)| known == method).map(|(_, index)| *index)
    }

    fn allowed(&self) -> String {
        let mut names: Vec<&str> = self.methods.iter().map(|(method, _)| method.as_str()).collect();
        if self.route("GET").is_some() {
            names.push("HEAD");
        }
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }
}
