//! A status as an update adds or removes it: a word in the attribute `s`, a comment as text.

use crate::xml::types::{language, word};
use crate::xml::{El, Syntax};

/// `statusType` of the three objects, which differ in their `words`.
///
/// # Errors
/// When the element has another form.
pub fn parse(element: &El<'_>, words: &[&'static str]) -> Result<&'static str, Syntax> {
    element.leaf(|s, _comment| {
        let given = s.required_attr("s")?;
        if let Some(tag) = s.attr("lang") {
            language(element, &tag)?;
        }
        let known: Vec<_> = words.iter().map(|word| (*word, *word)).collect();
        word(element, "the status", &given, &known)
    })
}
