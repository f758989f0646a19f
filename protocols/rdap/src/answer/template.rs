//! JSON that is the same in every answer but for the URI that was asked: encoded once, then copied.

use serde::Serialize;

/// Encoded JSON with gaps where the URI belongs.
#[derive(Debug)]
pub(crate) struct Template {
    /// What stands between the gaps.
    parts: Vec<Box<[u8]>>,
}

impl Template {
    /// `encode` writes the JSON for a URI.
    pub(crate) fn of(encode: impl Fn(&str) -> Vec<u8>) -> Template {
        let plain = encode("");
        // a text that stands nowhere else, and that JSON has no need to escape
        let mut gaps = (0u32..).map(|n| format!("<{n}>"));
        let gap = gaps.find(|gap| find(&plain, gap.as_bytes()).is_none()).unwrap_or_default();
        let whole = encode(&gap);
        let (mut parts, mut rest) = (Vec::new(), whole.as_slice());
        while let Some(at) = find(rest, gap.as_bytes()) {
            parts.push(rest[..at].into());
            rest = &rest[at + gap.len()..];
        }
        parts.push(rest.into());
        Template { parts }
    }

    /// Appends the JSON; `uri` is escaped already.
    pub(crate) fn fill(&self, out: &mut Vec<u8>, uri: &str) {
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(uri.as_bytes());
            }
            out.extend_from_slice(part);
        }
    }
}

fn find(octets: &[u8], sought: &[u8]) -> Option<usize> {
    octets.windows(sought.len()).position(|window| window == sought)
}

/// A text as it stands between the quotes of a JSON string.
pub(crate) fn escaped(text: &str) -> String {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    encode_onto(&mut quoted, &text);
    String::from_utf8_lossy(&quoted[1..quoted.len() - 1]).into_owned()
}

/// Appends a value.
pub(crate) fn encode_onto(out: &mut Vec<u8>, value: &impl Serialize) {
    // these types have text keys and finite numbers only, so that encoding into memory can't fail
    let encoded = serde_json::to_writer(&mut *out, value);
    debug_assert!(encoded.is_ok(), "{encoded:?}");
}

/// Appends the members of an object, which has some, to an object that has some already and is not closed.
pub(crate) fn extend(out: &mut Vec<u8>, object: &impl Serialize) {
    let begin = out.len();
    encode_onto(out, object);
    debug_assert!(out[begin..].starts_with(b"{\""), "no object, or an empty one");
    out[begin] = b',';
    out.pop();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn filled(template: &Template, uri: &str) -> Value {
        let mut out = Vec::new();
        template.fill(&mut out, &escaped(uri));
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn every_uri_stands_where_it_belongs() {
        let of = |uri: &str| json!({"a": uri, "b": ["<0> <1>", uri], "c": format!("{uri}/x")});
        let template = Template::of(|uri| serde_json::to_vec(&of(uri)).unwrap());
        for uri in ["", "https://a.example/domain/b", "a\"\\\u{1}<2>é", "<0>"] {
            assert_eq!(filled(&template, uri), of(uri), "{uri:?}");
        }
    }

    #[test]
    fn objects_are_put_together() {
        let mut out = br#"{"a":1"#.to_vec();
        extend(&mut out, &json!({"b": {}, "c": 2}));
        out.push(b'}');
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":1,"b":{},"c":2}"#);
    }
}
