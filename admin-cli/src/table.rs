//! Text for people: columns that line up.

use std::fmt::Write;

/// Rows below a heading, each column as wide as its widest cell.
pub fn columns<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|i| {
        let cells = rows.iter().map(|row| row[i].as_str());
        cells.chain([heading[i]]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let mut out = String::new();
    line(&mut out, &heading, &widths);
    for row in rows {
        line(&mut out, &std::array::from_fn(|i| row[i].as_str()), &widths);
    }
    out
}

fn line<const N: usize>(out: &mut String, cells: &[&str; N], widths: &[usize; N]) {
    let start = out.len();
    for (cell, width) in cells.iter().zip(widths) {
        // Writing into a String can't fail.
        let _ = write!(out, "{cell:<width$}  ");
    }
    out.truncate(start + out[start..].trim_end().len());
    out.push('\n');
}

/// `name  value` lines; names without a value are left out.
#[derive(Debug, Default)]
pub struct Sheet {
    lines: Vec<(&'static str, String)>,
}

impl Sheet {
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Sheet {
        self.lines.push((name, value.to_string()));
        self
    }

    #[must_use]
    pub fn with_optional(self, name: &'static str, value: Option<impl ToString>) -> Sheet {
        match value {
            Some(value) => self.with(name, &value),
            None => self,
        }
    }

    /// One line per value; the name stands at the first.
    #[must_use]
    pub fn with_each(mut self, name: &'static str, values: impl IntoIterator<Item = impl ToString>) -> Sheet {
        for (i, value) in values.into_iter().enumerate() {
            self.lines.push((if i == 0 { name } else { "" }, value.to_string()));
        }
        self
    }

    pub fn text(&self) -> String {
        let width = self.lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        self.lines.iter().fold(String::new(), |mut out, (name, value)| {
            let _ = writeln!(out, "{name:<width$}  {value}");
            out
        })
    }
}

/// `-` where there is nothing.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_end_without_blanks() {
        let rows = [["a".to_owned(), "äöü".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(columns(["X", "Y"], &rows), "X     Y\na     äöü\nlong\n");
    }

    #[test]
    fn a_sheet_leaves_out_what_is_not_there() {
        let sheet =
            Sheet::default().with("name", &1).with_optional("none", None::<u8>).with_each("ns", ["a", "b"]);
        assert_eq!(sheet.text(), "name  1\nns    a\n      b\n");
    }
}
