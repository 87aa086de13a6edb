//! Reads a mail as its receiver's program would: headers, and both forms decoded (RFC 2045). Written for these tests,
//! so that what is sent is not read by the library that wrote it.

/// A mail, taken apart.
pub struct Read {
    head: Vec<(String, String)>,
    pub text: String,
    pub html: String,
}

impl Read {
    /// A header; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.head.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The code that it tells, which also stands in its link.
    pub fn code(&self) -> String {
        let is_code = |line: &&str| line.len() == 29 && line.matches('-').count() == 4;
        let code = self.text.lines().find(is_code).unwrap_or_else(|| panic!("no code in {}", self.text));
        assert!(self.text.contains(&format!("#code={code}\n")), "{}", self.text);
        code.to_owned()
    }
}

/// Takes a whole mail apart.
pub fn read(mail: &str) -> Read {
    let mail = mail.replace("\r\n", "\n");
    let (head, body) = mail.split_once("\n\n").unwrap();
    let head = headers(head);
    let kind = &head.iter().find(|(name, _)| name == "content-type").unwrap().1;
    assert!(kind.starts_with("multipart/alternative"), "{kind}");
    let boundary = kind.split_once("boundary=\"").unwrap().1.split('"').next().unwrap();
    let (mut text, mut html) = (None, None);
    for part in body.split(&format!("--{boundary}")).skip(1).filter(|part| !part.starts_with("--")) {
        let (head, body) = part.trim_start_matches('\n').split_once("\n\n").unwrap();
        let head = headers(head);
        let value = |wanted: &str| head.iter().find(|(name, _)| name == wanted).map_or("7bit", |(_, value)| value);
        let decoded = decoded(value("content-transfer-encoding"), body);
        match value("content-type").split(';').next().unwrap() {
            "text/plain" => text = Some(decoded),
            "text/html" => html = Some(decoded),
            other => panic!("{other} in a mail"),
        }
    }
    Read { head, text: text.unwrap(), html: html.unwrap() }
}

/// Unfolded (RFC 5322 section 2.2.3), names in lower case.
fn headers(head: &str) -> Vec<(String, String)> {
    let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
    let lines = unfolded.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect()
}

fn decoded(encoding: &str, body: &str) -> String {
    match encoding {
        "7bit" | "8bit" => body.to_owned(),
        "quoted-printable" => quoted_printable(body),
        "base64" => {
            let packed: String = body.split_whitespace().collect();
            let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, packed).unwrap();
            String::from_utf8(bytes).unwrap()
        }
        other => panic!("{other} in a mail"),
    }
}

fn quoted_printable(body: &str) -> String {
    let joined = body.replace("=\n", "");
    let mut out = Vec::new();
    let mut rest = joined.as_bytes();
    while let [first, after @ ..] = rest {
        if let (b'=', [high, low, after @ ..]) = (first, after) {
            let hex = std::str::from_utf8(&[*high, *low]).unwrap().to_owned();
            out.push(u8::from_str_radix(&hex, 16).unwrap());
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    String::from_utf8(out).unwrap()
}
