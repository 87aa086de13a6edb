//! Small things to do with header lines, and which of them stop at the edge.

use breakwater_kit::headers as kit;
use breakwater_kit::types::Field;

use crate::framing;

/// The first value under a name.
pub fn get<'a>(headers: &'a [Field], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|field| field.name == name).map(|field| field.value.as_slice())
}

/// Sets a header, in place of all there are of its name.
pub fn set(headers: &mut Vec<Field>, name: &str, value: impl Into<Vec<u8>>) {
    remove(headers, name);
    push(headers, name, value);
}

/// Adds a header line.
pub fn push(headers: &mut Vec<Field>, name: &str, value: impl Into<Vec<u8>>) {
    headers.push(Field::new(name, value));
}

/// Sets a header unless it is there.
pub fn set_default(headers: &mut Vec<Field>, name: &str, value: &str) {
    if get(headers, name).is_none() {
        push(headers, name, value);
    }
}

/// Removes all headers of a name.
pub fn remove(headers: &mut Vec<Field>, name: &str) {
    headers.retain(|field| field.name != name);
}

/// Removes what concerns one connection only, whatever `connection` names included; but not by which a message's end is known.
pub fn strip_hop_by_hop(headers: &mut Vec<Field>) {
    let named: Vec<String> = kit::list(headers, "connection")
        .map(str::to_ascii_lowercase)
        .filter(|name| name != "close" && !framing::is_decisive(name))
        .collect();
    headers.retain(|field| !kit::is_hop_by_hop(&field.name) && !named.contains(&field.name));
}

/// Removes what a client may not say, because the edge says it to the core or the host says it to the edge. An underscore
/// counts as a dash: to many servers they are the same.
pub fn strip_claims(headers: &mut Vec<Field>) {
    let is_claim = |name: &str| {
        is_internal(name) || name.starts_with("spin-") || name.starts_with("x-forwarded-") || name == "forwarded"
    };
    headers.retain(|Field { name, .. }| match name.contains('_') {
        true => !is_claim(&name.replace('_', "-")),
        false => !is_claim(name),
    });
}

/// Removes headers by their lower-case names. Here too an underscore counts as a dash.
pub fn strip_named(headers: &mut Vec<Field>, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let same = |field: &str, name: &str| {
        field.len() == name.len()
            && field.bytes().zip(name.bytes()).all(|(byte, wanted)| byte == wanted || (byte == b'_' && wanted == b'-'))
    };
    headers.retain(|field| !names.iter().any(|name| same(&field.name, name)));
}

/// Removes what only edge and core say to each other.
pub fn strip_internal(headers: &mut Vec<Field>) {
    headers.retain(|field| !is_internal(&field.name));
}

fn is_internal(name: &str) -> bool {
    name.starts_with("breakwater-")
}

/// Adds a member to a list header, unless the list has it.
pub fn add_to_list(headers: &mut Vec<Field>, name: &str, member: &str) {
    let has = kit::list(headers, name).any(|item| item.eq_ignore_ascii_case(member) || item == "*");
    if !has {
        push(headers, name, member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&str, &str)]) -> Vec<Field> {
        lines.iter().map(|(name, value)| Field::new(*name, *value)).collect()
    }

    #[test]
    fn strips_what_connection_names() {
        let mut headers = fields(&[
            ("connection", "close, X-Private ,, keep-alive"),
            ("connection", "x-other"),
            ("x-private", "1"),
            ("x-other", "2"),
            ("x-kept", "3"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic eA=="),
        ]);
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, fields(&[("x-kept", "3")]));
    }

    #[test]
    fn connection_cannot_hide_where_a_message_ends() {
        let mut headers = fields(&[("connection", "Content-Length, host"), ("content-length", "5"), ("host", "a")]);
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, fields(&[("content-length", "5"), ("host", "a")]));
    }

    #[test]
    fn strips_what_a_client_may_not_claim() {
        let mut headers = fields(&[
            ("breakwater-edge", "v1"),
            ("spin-client-addr", "1.2.3.4"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-anything", "1"),
            ("x_forwarded_for", "1.2.3.4"),
            ("breakwater_edge", "v1"),
            ("forwarded", "for=1.2.3.4"),
            ("authorization", "Bearer x"),
        ]);
        strip_claims(&mut headers);
        assert_eq!(headers, fields(&[("authorization", "Bearer x")]));
    }

    #[test]
    fn strips_names_however_they_are_joined() {
        let mut headers =
            fields(&[("x-user", "1"), ("x_user", "2"), ("x-users", "3"), ("x-use", "4"), ("x-user", "5")]);
        strip_named(&mut headers, &["x-user".to_owned()]);
        assert_eq!(headers, fields(&[("x-users", "3"), ("x-use", "4")]));
    }

    #[test]
    fn adds_to_a_list_once() {
        let mut headers = fields(&[("vary", "accept-encoding, ORIGIN")]);
        add_to_list(&mut headers, "vary", "origin");
        assert_eq!(headers.len(), 1);
        let mut headers = fields(&[("vary", "accept")]);
        add_to_list(&mut headers, "vary", "origin");
        assert_eq!(headers, fields(&[("vary", "accept"), ("vary", "origin")]));
    }
}
