//! The frames that a scenario sends: as they stand in the text, or from a template of `tests/epp/frames`.

use std::{collections::BTreeMap, fs, path::Path};

/// What a scenario sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The lines of the text; `\xNN` stands for an octet that a text can't hold.
    Verbatim(Vec<String>),
    /// A file with `{name}` or `{name=default}` in it, and values for these.
    Template { file: String, values: BTreeMap<String, String> },
}

impl Frame {
    /// Reads `host-create.xml name=ns1.example.com more="<a b='c'/>"`.
    ///
    /// # Errors
    /// Anything else.
    pub fn reference(text: &str) -> Result<Frame, String> {
        let (file, mut rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut values = BTreeMap::new();
        while !rest.trim_start().is_empty() {
            let (name, after) =
                rest.trim_start().split_once('=').ok_or("a value is written as name=value")?;
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or("a quotation mark is missing")?,
                None => after.split_once(' ').unwrap_or((after, "")),
            };
            if values.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(format!("{name} is given twice"));
            }
            rest = after;
        }
        Ok(Frame::Template { file: file.to_owned(), values })
    }

    /// The octets. `folder` holds the templates; `{n}` in a value stands for `n`.
    ///
    /// # Errors
    /// A template that is missing, or values that do not fit it.
    pub fn octets(&self, folder: &Path, n: usize) -> Result<Vec<u8>, String> {
        match self {
            Frame::Verbatim(lines) => unescape(&lines.join("\n")),
            Frame::Template { file, values } => {
                let path = folder.join(file);
                let template = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                let n = n.to_string();
                let value = |(name, text): (&String, &String)| (name.clone(), text.replace("{n}", &n));
                fill(&template, &values.iter().map(value).collect()).map(String::into_bytes)
            }
        }
    }
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut parts = text.split("\\x");
    let mut octets = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).ok_or("\\x needs two hexadecimal digits")?;
        octets.push(u8::from_str_radix(digits, 16).map_err(|e| format!("\\x{digits}: {e}"))?);
        octets.extend_from_slice(&part.as_bytes()[2..]);
    }
    Ok(octets)
}

/// Puts the values into a template.
fn fill(template: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut left = values.clone();
    let mut pieces = template.trim_end().split('{');
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (place, after) = piece.split_once('}').ok_or("a '}' is missing in the template")?;
        let (name, default) = match place.split_once('=') {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (place, None),
        };
        let value = values.get(name).cloned().or(default);
        filled.push_str(&value.ok_or_else(|| format!("the template wants a value for {name}"))?);
        filled.push_str(after);
        left.remove(name);
    }
    match left.keys().next() {
        Some(name) => Err(format!("the template has no place for {name}")),
        None => Ok(filled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn references_are_read() {
        let read = Frame::reference("a.xml name=x y=\"1 2\"  z=").unwrap();
        let expected = values(&[("name", "x"), ("y", "1 2"), ("z", "")]);
        assert_eq!(read, Frame::Template { file: "a.xml".into(), values: expected });
        for bad in ["a.xml name", "a.xml y=\"1", "a.xml a=1 a=2"] {
            assert!(Frame::reference(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn templates_are_filled_and_nothing_is_left_over() {
        let template = "<a>{name}</a><b c=\"{x=y}\"/>\n";
        assert_eq!(fill(template, &values(&[("name", "n")])).unwrap(), "<a>n</a><b c=\"y\"/>");
        assert_eq!(fill(template, &values(&[("name", "n"), ("x", "")])).unwrap(), "<a>n</a><b c=\"\"/>");
        assert!(fill(template, &values(&[])).is_err());
        assert!(fill(template, &values(&[("name", "n"), ("z", "")])).is_err());
    }

    #[test]
    fn octets_are_escaped() {
        assert_eq!(unescape("a\\x01\\xffé").unwrap(), b"a\x01\xff\xc3\xa9");
        assert!(unescape("\\x0").is_err() && unescape("\\xzz").is_err());
    }
}
