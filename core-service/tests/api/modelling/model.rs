//! A model in memory against the service: random operations on documents that are unique in one field and refer to each
//! other, by each rule for deletions. Whatever is done, both answer alike and hold the same; what fails is shrunk.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{collection, document, documents};
use crate::cast::Cast;

/// What is done. Documents are meant by the order in which they were created.
#[derive(Debug, Clone)]
enum Act {
    Create(Data),
    Replace(usize, Data),
    Merge(usize, Data),
    RestoreVersion(usize, usize),
    Delete(usize),
    Restore(usize),
}

/// A document: its unique value, and the document that it names.
#[derive(Debug, Clone)]
struct Data {
    unique: Option<u8>,
    names: Option<usize>,
}

fn act() -> impl Strategy<Value = Act> {
    let data = || {
        (prop::option::of(0..4u8), prop::option::weighted(0.4, 0..8usize))
            .prop_map(|(unique, names)| Data { unique, names })
    };
    prop_oneof![
        4 => data().prop_map(Act::Create),
        2 => (0..8usize, data()).prop_map(|(which, data)| Act::Replace(which, data)),
        2 => (0..8usize, data()).prop_map(|(which, data)| Act::Merge(which, data)),
        1 => (0..8usize, 1..5usize).prop_map(|(which, version)| Act::RestoreVersion(which, version)),
        3 => (0..8usize).prop_map(Act::Delete),
        2 => (0..8usize).prop_map(Act::Restore),
    ]
}

/// A document of the model: all its versions, and with which one it was deleted.
#[derive(Debug, Clone)]
struct Held {
    versions: Vec<Map<String, Value>>,
    deleted_with: Option<String>,
}

impl Held {
    fn data(&self) -> &Map<String, Value> {
        self.versions.last().unwrap()
    }
}

/// The model.
#[derive(Debug, Clone)]
struct Model {
    on_delete: &'static str,
    order: Vec<String>,
    held: BTreeMap<String, Held>,
}

impl Model {
    /// The id of a document; of one that never was, if there are not so many.
    fn id(&self, which: usize) -> String {
        self.order.get(which).cloned().unwrap_or_else(|| Uuid::nil().to_string())
    }

    fn body(&self, data: &Data) -> Map<String, Value> {
        let mut body = Map::new();
        body.extend(data.unique.map(|unique| ("u".to_owned(), json!(unique))));
        body.extend(data.names.map(|names| ("r".to_owned(), json!(self.id(names)))));
        body
    }

    fn alive(&self) -> impl Iterator<Item = (&String, &Held)> {
        self.held.iter().filter(|(_, held)| held.deleted_with.is_none())
    }

    fn is_alive(&self, id: &str) -> bool {
        self.held.get(id).is_some_and(|held| held.deleted_with.is_none())
    }

    /// Whether documents could hold this: the status and the kind of problem if not.
    fn check(&self, written: &BTreeMap<String, Map<String, Value>>) -> Result<(), (u16, &'static str)> {
        let value = |data: &Map<String, Value>, name: &str| data.get(name).filter(|value| !value.is_null()).cloned();
        for (id, data) in written {
            let taken = |(other, held): (&String, &Held)| {
                other != id && !written.contains_key(other) && value(held.data(), "u") == value(data, "u")
            };
            if value(data, "u").is_some() && self.alive().any(taken) {
                return Err((409, "value-taken"));
            }
        }
        for data in written.values() {
            let there = |id: &str| self.is_alive(id) || written.contains_key(id);
            if value(data, "r").is_some_and(|id| !there(id.as_str().unwrap())) {
                return Err((422, "validation-failed"));
            }
        }
        Ok(())
    }

    fn write(&mut self, id: &str, data: Map<String, Value>) -> Result<(), (u16, &'static str)> {
        self.check(&BTreeMap::from([(id.to_owned(), data.clone())]))?;
        self.held.get_mut(id).unwrap().versions.push(data);
        Ok(())
    }

    /// Those that name a document, and stand.
    fn naming(&self, id: &str) -> Vec<String> {
        let naming = |(_, held): &(&String, &Held)| held.data().get("r").is_some_and(|named| named == id);
        self.alive().filter(naming).map(|(id, _)| id.clone()).collect()
    }

    fn delete(&mut self, id: &str) -> Result<(), (u16, &'static str)> {
        let mut going = BTreeSet::from([id.to_owned()]);
        let mut open = vec![id.to_owned()];
        while let Some(next) = open.pop() {
            for naming in self.naming(&next) {
                match self.on_delete {
                    "cascade" if going.insert(naming.clone()) => open.push(naming),
                    "restrict" if naming != id => return Err((409, "still-referenced")),
                    "set_null" if naming != id => {
                        let mut data = self.held[&naming].data().clone();
                        data.insert("r".to_owned(), Value::Null);
                        self.held.get_mut(&naming).unwrap().versions.push(data);
                    }
                    _ => {}
                }
            }
        }
        for gone in going {
            self.held.get_mut(&gone).unwrap().deleted_with = Some(id.to_owned());
        }
        Ok(())
    }

    fn restore(&mut self, id: &str) -> Result<(), (u16, &'static str)> {
        let comes = |(other, held): &(&String, &Held)| {
            held.deleted_with.as_ref().is_some_and(|with| with == id || *other == id)
        };
        let back: BTreeMap<_, _> =
            self.held.iter().filter(comes).map(|(id, held)| (id.clone(), held.data().clone())).collect();
        self.check(&back)?;
        for (id, data) in back {
            let held = self.held.get_mut(&id).unwrap();
            held.versions.push(data);
            held.deleted_with = None;
        }
        Ok(())
    }

    /// Does it, and says how it ends. A document that is to be created gets `new` as its id.
    fn act(&mut self, act: &Act, new: Option<&str>) -> Result<u16, (u16, &'static str)> {
        let gone = (404, "not-found");
        match act {
            Act::Create(data) => {
                let data = self.body(data);
                let id = new.unwrap_or_default().to_owned();
                self.check(&BTreeMap::from([(id.clone(), data.clone())]))?;
                self.order.push(id.clone());
                self.held.insert(id, Held { versions: vec![data], deleted_with: None });
                Ok(201)
            }
            Act::Replace(which, data) | Act::Merge(which, data) => {
                let (id, data) = (self.id(*which), self.body(data));
                if !self.is_alive(&id) {
                    return Err(gone);
                }
                let mut after = match act {
                    Act::Merge(..) => self.held[&id].data().clone(),
                    _ => Map::new(),
                };
                after.extend(data);
                self.write(&id, after).map(|()| 200)
            }
            Act::RestoreVersion(which, version) => {
                let id = self.id(*which);
                let data = self.held.get(&id).and_then(|held| held.versions.get(version - 1)).cloned();
                match data.filter(|_| self.is_alive(&id)) {
                    Some(data) => self.write(&id, data).map(|()| 200),
                    None => Err(gone),
                }
            }
            Act::Delete(which) => {
                let id = self.id(*which);
                if self.is_alive(&id) { self.delete(&id).map(|()| 204) } else { Err(gone) }
            }
            Act::Restore(which) => {
                let id = self.id(*which);
                let lies = self.held.get(&id).is_some_and(|held| held.deleted_with.is_some());
                if lies { self.restore(&id).map(|()| 200) } else { Err(gone) }
            }
        }
    }
}

/// Asks the service for the same.
async fn ask(cast: &Cast, name: &str, model: &Model, act: &Act) -> (u16, Value) {
    let body = |data: &Data| json!({ "data": model.body(data) });
    let at = |which: &usize| document(name, &model.id(*which));
    let answer = match act {
        Act::Create(data) => cast.send(&cast.editor, Method::POST, documents(name), body(data)).await,
        Act::Replace(which, data) => cast.send(&cast.editor, Method::PUT, at(which), body(data)).await,
        Act::Merge(which, data) => cast.send(&cast.editor, Method::PATCH, at(which), body(data)).await,
        Act::RestoreVersion(which, version) => {
            let path = format!("{}/versions/{version}/restore", at(which));
            cast.call(&cast.editor, Method::POST, path).send().await
        }
        Act::Delete(which) => cast.call(&cast.editor, Method::DELETE, at(which)).send().await,
        Act::Restore(which) => {
            let path = format!("/collections/{name}/trash/{}/restore", model.id(*which));
            cast.call(&cast.editor, Method::POST, path).send().await
        }
    };
    let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
    (answer.status.as_u16(), body)
}

/// What the service holds: each document's data and version, and what lies in the trash.
async fn held(cast: &Cast, name: &str) -> (BTreeMap<String, (Value, u64)>, BTreeSet<String>) {
    let page = cast.read(&cast.editor, format!("{}?limit=100", documents(name))).await.expect(200).json();
    let items = page["items"].as_array().unwrap().iter().map(|item| {
        (item["id"].as_str().unwrap().to_owned(), (item["data"].clone(), item["version"].as_u64().unwrap()))
    });
    let trash = cast.read(&cast.editor, format!("/collections/{name}/trash?limit=100")).await.expect(200).json();
    let lying = trash["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
    (items.collect(), lying.collect())
}

async fn play(cast: &Cast, on_delete: &'static str, acts: &[Act]) -> Result<(), TestCaseError> {
    let name = format!("c{}", Uuid::now_v7().simple());
    let options = json!({ "unique": [{ "fields": ["data.u"] }],
                          "references": [{ "field": "data.r", "collection": name, "on_delete": on_delete }] });
    collection(cast, &name, json!({}), options).await;
    let mut model = Model { on_delete, order: Vec::new(), held: BTreeMap::new() };
    for act in acts {
        let (status, body) = ask(cast, &name, &model, act).await;
        let before = model.clone();
        let expected = model.act(act, body["id"].as_str());
        let told = match status {
            ..400 => Ok(status),
            _ => Err((status, body["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default())),
        };
        prop_assert_eq!(told, expected, "{:?} with {:#?}: {}", act, before, body);
        if expected.is_err() {
            model = before;
        }
        let alive = model.alive().map(|(id, held)| (id.clone(), (json!(held.data()), held.versions.len() as u64)));
        let lying = model.held.iter().filter(|(_, held)| held.deleted_with.is_some()).map(|(id, _)| id.clone());
        prop_assert_eq!(held(cast, &name).await, (alive.collect(), lying.collect()), "after {:?}", act);
    }
    Ok(())
}

fn rand_seed() -> [u8; 32] {
    let (high, low) = (Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes());
    std::array::from_fn(|index| if index < 16 { high[index] } else { low[index - 16] })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_does_what_a_model_in_memory_does() {
    let cast = Cast::new().await;
    tokio::task::block_in_place(|| {
        let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
        let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
        let case = (prop::sample::select(vec!["restrict", "set_null", "cascade"]), prop::collection::vec(act(), 1..25));
        // The same each time. With `PROPTEST_CASES` there are as many others as one likes.
        let rng = match std::env::var("PROPTEST_CASES") {
            Ok(_) => TestRng::from_seed(RngAlgorithm::ChaCha, &rand_seed()),
            Err(_) => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
        };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let played = runner.run(&case, |(on_delete, acts)| Handle::current().block_on(play(&cast, on_delete, &acts)));
        if let Err(error) = played {
            panic!("{error}");
        }
    });
}
