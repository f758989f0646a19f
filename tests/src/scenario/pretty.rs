//! An answer as lines: one element each, indented by its depth.

/// What every document of the server begins with; it is not repeated in transcripts.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The lines of a document of `epp::xml::Writer`, in which `<` and `>` stand for nothing but tags. An element that
/// holds no other stays on one line, its text as it is.
///
/// # Errors
/// The text is no such document.
pub fn lines(document: &str) -> Result<Vec<String>, String> {
    let mut rest = document.strip_prefix(DECLARATION).ok_or("the XML declaration is missing")?;
    let mut lines = Vec::new();
    let mut depth = 0_usize;
    while !rest.is_empty() {
        let (tag, after) = split_after(rest, '>')?;
        let closes = tag.starts_with("</");
        depth = depth.checked_sub(closes.into()).ok_or("an element is closed that is not open")?;
        let indent = "  ".repeat(depth);
        let leaf = if closes || tag.ends_with("/>") { None } else { leaf(after)? };
        match leaf {
            Some((content, after)) => {
                lines.push(format!("{indent}{tag}{}", content.replace('\n', "&#10;")));
                rest = after;
            }
            None => {
                lines.push(format!("{indent}{tag}"));
                depth += usize::from(!closes && !tag.ends_with("/>"));
                rest = after;
            }
        }
    }
    Ok(lines)
}

/// The text and the closing tag of an element that holds no other, and what follows it.
fn leaf(after: &str) -> Result<Option<(&str, &str)>, String> {
    let text = after.find('<').ok_or("an element is not closed")?;
    if !after[text..].starts_with("</") {
        return Ok(None);
    }
    let (_, rest) = split_after(&after[text..], '>')?;
    Ok(Some(after.split_at(after.len() - rest.len())))
}

fn split_after(text: &str, end: char) -> Result<(&str, &str), String> {
    let at = text.find(end).ok_or_else(|| format!("'{end}' is missing"))?;
    Ok(text.split_at(at + end.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stand_on_lines_of_their_own() {
        let document =
            format!("{DECLARATION}<epp a=\"b\"><x><y>1 &gt; 0\n</y><z></z><e f=\"&quot;\"/></x></epp>");
        assert_eq!(
            lines(&document).unwrap(),
            [
                "<epp a=\"b\">",
                "  <x>",
                "    <y>1 &gt; 0&#10;</y>",
                "    <z></z>",
                "    <e f=\"&quot;\"/>",
                "  </x>",
                "</epp>"
            ]
        );
    }

    #[test]
    fn what_is_no_document_is_told() {
        for bad in ["<epp/>", "", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<epp>"] {
            assert!(lines(bad).is_err(), "{bad}");
        }
    }
}
