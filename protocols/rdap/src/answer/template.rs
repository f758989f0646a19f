//! JSON that is the same in every answer but for some texts, such as the URI that was asked: encoded once, then copied.

use memchr::memmem::find;
use serde::Serialize;

/// Encoded JSON with gaps where one of `N` texts belongs.
#[derive(Debug)]
pub(crate) struct Template<const N: usize> {
    octets: Box<[u8]>,
    /// Where in the octets a text belongs, and which.
    gaps: Box<[(usize, usize)]>,
}

impl<const N: usize> Template<N> {
    /// `encode` writes the JSON for some texts.
    pub(crate) fn of(encode: impl Fn([&str; N]) -> Vec<u8>) -> Template<N> {
        let plain = encode([""; N]);
        // texts that stand nowhere else, and that JSON has no need to escape
        let mut unused =
            (0u32..).map(|n| format!("<{n}>")).filter(|text| find(&plain, text.as_bytes()).is_none());
        let marks: [String; N] = std::array::from_fn(|_| unused.next().unwrap_or_default());
        let marked = encode(marks.each_ref().map(String::as_str));
        let (mut octets, mut gaps) = (Vec::with_capacity(plain.len()), Vec::new());
        let mut rest = marked.as_slice();
        let next = |rest: &[u8]| {
            let found = marks.iter().enumerate().map(|(which, mark)| (find(rest, mark.as_bytes()), which));
            found.filter_map(|(at, which)| Some((at?, which))).min()
        };
        while let Some((at, which)) = next(rest) {
            octets.extend_from_slice(&rest[..at]);
            gaps.push((octets.len(), which));
            rest = &rest[at + marks[which].len()..];
        }
        octets.extend_from_slice(rest);
        Template { octets: octets.into(), gaps: gaps.into() }
    }

    /// Octets that it takes.
    pub(crate) fn len(&self) -> usize {
        self.octets.len() + size_of_val(&*self.gaps)
    }

    /// Appends the JSON; the texts are escaped already.
    pub(crate) fn fill(&self, out: &mut Vec<u8>, texts: [&str; N]) {
        let mut from = 0;
        for (to, which) in &self.gaps {
            out.extend_from_slice(&self.octets[from..*to]);
            out.extend_from_slice(texts[*which].as_bytes());
            from = *to;
        }
        out.extend_from_slice(&self.octets[from..]);
    }
}

/// A text as it stands between the quotes of a JSON string.
pub(crate) fn escaped(text: &str) -> String {
    if text.bytes().all(|octet| matches!(octet, b' '..=b'~') && !matches!(octet, b'"' | b'\\')) {
        return text.to_owned();
    }
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

    #[test]
    fn every_text_stands_where_it_belongs() {
        let of = |[a, b]: [&str; 2]| json!({"a": a, "b": ["<0> <1>", a], "c": format!("{a}/x{b}"), "d": b, "e": a});
        let template = Template::of(|texts| serde_json::to_vec(&of(texts)).unwrap());
        for texts in
            [["", ""], ["https://a.example/domain/b", "c"], ["a\"\\\u{1}<2>é", "<3>"], ["<3>", "<2>"]]
        {
            let mut out = Vec::new();
            template.fill(&mut out, texts.map(escaped).each_ref().map(String::as_str));
            assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), of(texts), "{texts:?}");
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
