//! Counters under labels: each thread has its own, and whoever reads adds them up.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All threads' counters of one kind.
#[derive(Debug)]
pub struct Family<K, V>(Mutex<Vec<(K, Arc<V>)>>);

/// One thread's counters of a family. Finding them takes no lock, but for the first time under a label.
pub struct Own<K, V> {
    family: Arc<Family<K, V>>,
    known: RefCell<HashMap<K, Arc<V>>>,
    /// Labels that one thread tells apart.
    most: usize,
    /// The label of all further ones.
    other: K,
}

impl<K, V> Default for Family<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Ord, V> Family<K, V> {
    /// The counters by their labels.
    pub fn read(&self) -> BTreeMap<K, Vec<Arc<V>>> {
        let mut all: BTreeMap<K, Vec<Arc<V>>> = BTreeMap::new();
        for (label, counters) in self.lock().iter() {
            all.entry(label.clone()).or_default().push(counters.clone());
        }
        all
    }
}

impl<K, V> Family<K, V> {
    fn lock(&self) -> MutexGuard<'_, Vec<(K, Arc<V>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V: Default> Own<K, V> {
    /// For one thread.
    pub fn new(family: &Arc<Family<K, V>>, most: usize, other: K) -> Self {
        Self { family: family.clone(), known: RefCell::default(), most, other }
    }

    /// The counters under a label.
    pub fn get<Q>(&self, label: &Q) -> Arc<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut known = self.known.borrow_mut();
        if let Some(counters) = known.get(label) {
            return counters.clone();
        }
        let label = if known.len() < self.most { label.to_owned() } else { self.other.clone() };
        let family = &self.family;
        let new = || {
            let counters = Arc::new(V::default());
            family.lock().push((label.clone(), counters.clone()));
            counters
        };
        known.entry(label.clone()).or_insert_with(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Count;
    use super::*;

    #[test]
    fn threads_add_up_and_labels_are_bounded() {
        let family: Arc<Family<String, Count>> = Arc::default();
        let thread = || Own::new(&family, 2, "other".to_owned());
        let (one, two) = (thread(), thread());
        one.get("a").add(2);
        two.get("a").add(3);
        for label in ["b", "c", "d", "c"] {
            one.get(label).one();
        }
        let read: Vec<(String, u64)> =
            family.read().into_iter().map(|(label, all)| (label, all.iter().map(|count| count.get()).sum())).collect();
        let wanted = [("a", 5), ("b", 1), ("other", 3)].map(|(label, count)| (label.to_owned(), count));
        assert_eq!(read, wanted);
    }
}
