//! Patterns as a tree of segments.
//!
//! A path descends literal first, then parameter, then rest, and comes back up where a branch ends without a match.
//! Every node has one way to it, so a path visits no node twice: the work is bounded by the patterns, whatever the path.

use crate::pattern::{Pattern, Segment};

/// A set of patterns; each distinct shape has a number, counted from 0 in order of insertion.
pub struct Trie {
    nodes: Vec<Node>,
    shapes: usize,
}

#[derive(Default)]
struct Node {
    /// Sorted by segment.
    literals: Vec<(Box<str>, usize)>,
    parameter: Option<usize>,
    /// The shape that takes whatever is left.
    rest: Option<usize>,
    /// The shape that ends here.
    end: Option<usize>,
}

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], shapes: 0 }
    }
}

impl Trie {
    /// Adds a pattern and answers with the number of its shape, which is an earlier one's if there was the same.
    pub fn insert(&mut self, pattern: &Pattern) -> usize {
        let mut at = 0;
        for segment in &pattern.segments {
            at = match segment {
                Segment::Literal(text) => self.literal(at, text),
                Segment::Parameter => self.parameter(at),
                Segment::Rest => {
                    let shape = *self.nodes[at].rest.get_or_insert(self.shapes);
                    self.shapes = self.shapes.max(shape + 1);
                    return shape;
                }
            };
        }
        let shape = *self.nodes[at].end.get_or_insert(self.shapes);
        self.shapes = self.shapes.max(shape + 1);
        shape
    }

    /// The most specific shape that matches a path, which begins with a slash, of those that are accepted.
    pub fn find(&self, path: &str, accept: &mut impl FnMut(usize) -> bool) -> Option<usize> {
        self.descend(&self.nodes[0], path.strip_prefix('/'), accept)
    }

    /// `left` is what follows the slash after this node; nothing if the path ends here.
    fn descend(&self, node: &Node, left: Option<&str>, accept: &mut impl FnMut(usize) -> bool) -> Option<usize> {
        let Some(left) = left else { return node.end.filter(|shape| accept(*shape)) };
        let (segment, tail) = match left.split_once('/') {
            Some((segment, tail)) => (segment, Some(tail)),
            None => (left, None),
        };
        if let Ok(index) = node.literals.binary_search_by(|(text, _)| (**text).cmp(segment))
            && let Some(shape) = self.descend(&self.nodes[node.literals[index].1], tail, accept)
        {
            return Some(shape);
        }
        if let Some(child) = node.parameter
            && !segment.is_empty()
            && let Some(shape) = self.descend(&self.nodes[child], tail, accept)
        {
            return Some(shape);
        }
        node.rest.filter(|shape| accept(*shape))
    }

    fn literal(&mut self, at: usize, text: &str) -> usize {
        match self.nodes[at].literals.binary_search_by(|(known, _)| (**known).cmp(text)) {
            Ok(index) => self.nodes[at].literals[index].1,
            Err(index) => {
                let child = self.add();
                self.nodes[at].literals.insert(index, (text.into(), child));
                child
            }
        }
    }

    fn parameter(&mut self, at: usize) -> usize {
        if let Some(child) = self.nodes[at].parameter {
            return child;
        }
        let child = self.add();
        self.nodes[at].parameter = Some(child);
        child
    }

    fn add(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    /// The rule as it is told, without a tree: of the patterns that match, the one whose segments are most specific.
    fn scan(patterns: &[Pattern], path: &str, accepted: impl Fn(usize) -> bool) -> Option<usize> {
        let segments: Vec<&str> = path[1..].split('/').collect();
        let specificity = |pattern: &Pattern| {
            let kinds = pattern.segments.iter().map(|segment| match segment {
                Segment::Literal(_) => 2,
                Segment::Parameter => 1,
                Segment::Rest => 0,
            });
            kinds.collect::<Vec<u8>>()
        };
        let fits = |(shape, pattern): &(usize, &Pattern)| accepted(*shape) && matches(pattern, &segments);
        patterns.iter().enumerate().filter(fits).max_by_key(|(_, pattern)| specificity(pattern)).map(|(shape, _)| shape)
    }

    fn matches(pattern: &Pattern, segments: &[&str]) -> bool {
        let open = pattern.segments.last() == Some(&Segment::Rest);
        let fits =
            if open { segments.len() >= pattern.segments.len() } else { segments.len() == pattern.segments.len() };
        fits && pattern.segments.iter().zip(segments).all(|(part, segment)| match part {
            Segment::Literal(text) => text == segment,
            Segment::Parameter => !segment.is_empty(),
            Segment::Rest => true,
        })
    }

    fn patterns() -> impl Strategy<Value = Pattern> {
        // Few names, so that patterns meet and branches have to be left again.
        let segment = prop_oneof![3 => "[a-c]", 2 => Just("{}".to_owned())];
        let end = prop_oneof![4 => Just(""), 1 => Just("/"), 2 => Just("/{*rest}")];
        (prop::collection::vec(segment, 0..5), end).prop_map(|(segments, end)| {
            let named = segments.iter().enumerate().map(|(at, segment)| match segment.as_str() {
                "{}" => format!("/{{p{at}}}"),
                literal => format!("/{literal}"),
            });
            let text = named.collect::<String>() + end;
            Pattern::parse(if text.is_empty() { "/" } else { &text }).unwrap()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn finds_what_a_scan_finds(
            all in prop::collection::vec(patterns(), 0..24),
            path in "(/[a-d]){0,6}/?",
            refused in prop::collection::vec(any::<bool>(), 24),
        ) {
            let path = if path.is_empty() { "/" } else { &path };
            let mut distinct: Vec<Pattern> = Vec::new();
            let mut trie = Trie::default();
            for pattern in &all {
                let known = distinct.iter().position(|other| other.segments == pattern.segments);
                if known.is_none() {
                    distinct.push(pattern.clone());
                }
                prop_assert_eq!(trie.insert(pattern), known.unwrap_or(distinct.len() - 1));
            }
            let accepted = |shape: usize| !refused[shape];
            prop_assert_eq!(trie.find(path, &mut |_| true), scan(&distinct, path, |_| true));
            prop_assert_eq!(trie.find(path, &mut |shape| accepted(shape)), scan(&distinct, path, accepted));
        }
    }
}
