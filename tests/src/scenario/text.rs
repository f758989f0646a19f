//! A scenario as it is written: steps, and below each what was recorded when it was last played.

use super::frame::Frame;
use registry::Timestamp;

/// One step with the lines that it was read from.
#[derive(Clone, Debug)]
pub struct Item {
    /// The first of its lines, counted from 1.
    pub number: usize,
    pub source: Vec<String>,
    pub step: Step,
}

/// What can happen in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A comment or an empty line.
    Remark,
    /// The clock is set.
    At(Timestamp),
    /// Time passes, in milliseconds.
    Pass(i64),
    /// A session takes the floor; a registrar that has none logs in.
    As(String),
    /// A connection is opened, with a client certificate of this fingerprint octet if any.
    Connect { name: String, certificate: Option<u8> },
    /// What the server said when the connection was opened is shown.
    Greeting,
    /// The operator acts, in these words.
    Operator(Vec<String>),
    /// A frame is sent, so many times.
    Send { frame: Frame, valid: bool, times: usize },
}

/// What begins a line that a play writes.
const RECORDED: [&str; 4] = ["S:", "refused:", "journal:", "closed"];

/// The steps of a text, without what was recorded.
///
/// # Errors
/// A line that is none, with its number.
pub fn parse(text: &str) -> Result<Vec<Item>, String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut items = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let frame = lines[at].starts_with('C') && lines[at].ends_with(':');
        let length = if frame { block(&lines[at..]) } else { 1 };
        let source = &lines[at..at + length];
        let step = step(source).map_err(|why| format!("line {}: {why}", at + 1))?;
        let owned = source.iter().map(|line| (*line).to_owned()).collect();
        items.push(Item { number: at + 1, source: owned, step });
        at += length;
        at += recorded(&lines[at..]);
    }
    Ok(items)
}

/// The lines of a frame: up to an empty line, or to what was recorded.
fn block(lines: &[&str]) -> usize {
    let ends = |line: &&str| line.is_empty() || is_recorded(line);
    1 + lines[1..].iter().take_while(|line| !ends(line)).count()
}

/// The lines that a play has written below a step.
fn recorded(lines: &[&str]) -> usize {
    let mut count = 0;
    let mut answer = false;
    for line in lines {
        let goes_on = answer && line.starts_with(['<', ' ']);
        if !goes_on && !is_recorded(line) {
            break;
        }
        answer = goes_on || *line == "S:";
        count += 1;
    }
    count
}

fn is_recorded(line: &str) -> bool {
    RECORDED.iter().any(|begin| line.starts_with(begin))
}

fn step(source: &[&str]) -> Result<Step, String> {
    let line = source[0];
    if line.is_empty() || line.starts_with('#') {
        return Ok(Step::Remark);
    }
    if line.starts_with('C') {
        return send(source);
    }
    if let Some(time) = line.strip_prefix('+') {
        return duration(time).map(Step::Pass);
    }
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["at", time] => {
            Timestamp::parse(time).map(Step::At).ok_or_else(|| format!("{time} is not an instant"))
        }
        ["as", name] => Ok(Step::As((*name).to_owned())),
        ["connect", name] => Ok(Step::Connect { name: (*name).to_owned(), certificate: None }),
        ["connect", name, "with", "certificate", octet] => {
            let certificate = octet.parse().map_err(|e| format!("{octet}: {e}"))?;
            Ok(Step::Connect { name: (*name).to_owned(), certificate: Some(certificate) })
        }
        ["greeting"] => Ok(Step::Greeting),
        ["operator", words @ ..] => Ok(Step::Operator(words.iter().map(|word| (*word).to_owned()).collect())),
        _ => Err(format!("'{line}' is no step of a scenario")),
    }
}

/// `C:` a frame that the schemas accept, `C!:` one that they refuse, `C*7:` one that is sent seven times.
fn send(source: &[&str]) -> Result<Step, String> {
    let (head, reference) = source[0].split_once(':').ok_or("a frame begins with C:, C!: or C*N:")?;
    let (valid, times) = match &head[1..] {
        "" => (true, 1),
        "!" => (false, 1),
        many => {
            let times = many.strip_prefix('*').and_then(|n| n.parse().ok());
            (true, times.ok_or_else(|| format!("'{head}:' is not C:, C!: or C*N:"))?)
        }
    };
    let lines = &source[1..];
    let frame = match reference.strip_prefix(' ') {
        Some(reference) if lines.is_empty() => Frame::reference(reference)?,
        None if reference.is_empty() && !lines.is_empty() => {
            Frame::Verbatim(lines.iter().map(|line| (*line).to_owned()).collect())
        }
        _ => return Err("a frame is either a template's name or lines of XML".to_owned()),
    };
    Ok(Step::Send { frame, valid, times })
}

/// `400d`, `12h`, `5m`, `30s` as milliseconds.
fn duration(text: &str) -> Result<i64, String> {
    const UNITS: [(char, i64); 4] = [('d', 86_400_000), ('h', 3_600_000), ('m', 60_000), ('s', 1_000)];
    let read = |(unit, ms): (char, i64)| text.strip_suffix(unit)?.parse::<i64>().ok()?.checked_mul(ms);
    let ms = UNITS.into_iter().find_map(read).filter(|ms| *ms > 0);
    ms.ok_or_else(|| format!("'+{text}' is not a time such as +400d, +12h, +5m or +30s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_and_what_was_recorded_is_passed_over() {
        let text = "# What it shows.\n\nat 2026-03-01T12:00:00Z\n+2h\njournal: x\nas alpha\nC:\n<epp>\n</epp>\n\
                    S:\n<epp>\n  <a/>\n</epp>\nrefused: exists\nclosed\n\nC!: a.xml b=c\nC*3: a.xml\n";
        let items = parse(text).unwrap();
        let steps: Vec<&Step> = items.iter().map(|item| &item.step).collect();
        let reference = |text| Frame::reference(text).unwrap();
        let verbatim = Frame::Verbatim(vec!["<epp>".into(), "</epp>".into()]);
        assert_eq!(
            steps,
            [
                &Step::Remark,
                &Step::Remark,
                &Step::At(Timestamp::parse("2026-03-01T12:00:00Z").unwrap()),
                &Step::Pass(7_200_000),
                &Step::As("alpha".into()),
                &Step::Send { frame: verbatim, valid: true, times: 1 },
                &Step::Remark,
                &Step::Send { frame: reference("a.xml b=c"), valid: false, times: 1 },
                &Step::Send { frame: reference("a.xml"), valid: true, times: 3 },
            ]
        );
        assert_eq!(items.last().unwrap().number, 18);
    }

    #[test]
    fn what_is_no_step_is_told_with_its_line() {
        for bad in ["as", "at noon", "+5", "+0d", "sing", "C", "C:", "C?: a.xml", "C*x: a.xml"] {
            let why = parse(&format!("# x\n{bad}")).unwrap_err();
            assert!(why.starts_with("line 2: "), "{why}");
        }
    }
}
