//! Two texts side by side: which lines are gone, which are new, and what stands around them.

use std::fmt::Write;

/// Lines of context on either side of a difference.
const CONTEXT: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Old,
    New,
}

/// `None` where the texts are the same; else the differing lines with `-` (old) and `+` (new), each group under the
/// number of its first line in the old text.
pub fn lines(old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let script = script(&old, &new);
    let near = |place: usize| {
        let (from, to) = (place.saturating_sub(CONTEXT), (place + CONTEXT + 1).min(script.len()));
        script[from..to].iter().any(|(side, _)| *side != Side::Both)
    };
    let (mut out, mut number, mut quiet) = (String::new(), 1, true);
    for (place, (side, line)) in script.iter().enumerate() {
        if near(place) {
            let mark = match side {
                Side::Both => ' ',
                Side::Old => '-',
                Side::New => '+',
            };
            let head = if quiet { format!("@ line {number}\n") } else { String::new() };
            let _ = writeln!(out, "{head}{mark} {line}");
        }
        quiet = !near(place);
        number += usize::from(*side != Side::New);
    }
    if out.is_empty() {
        out.push_str("the texts differ in line ends only\n");
    }
    Some(out)
}

/// The shortest way from one to the other, by their longest common subsequence.
fn script<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<(Side, &'t str)> {
    let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (head, old, new) = (&old[..same], &old[same..], &new[same..]);
    let width = new.len() + 1;
    // common[i * width + j]: how many lines old[i..] and new[j..] can share
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let mut script: Vec<(Side, &str)> = head.iter().map(|line| (Side::Both, *line)).collect();
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            script.push((Side::Both, old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            script.push((Side::Old, old[i]));
            i += 1;
        } else {
            script.push((Side::New, new[j]));
            j += 1;
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_stand_with_their_surroundings() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        assert_eq!(lines(old, old), None);
        let new = "a\nb\nc\nd\nE\nf\ng\nh\ni\n";
        let told = lines(old, new).unwrap();
        assert_eq!(told, "@ line 2\n  b\n  c\n  d\n- e\n+ E\n  f\n  g\n  h\n+ i\n");
        let far = format!("{old}1\n2\n3\n4\n5\n");
        assert_eq!(lines(&format!("x\n{far}"), &format!("{far}y\n")).unwrap().matches("@ line").count(), 2);
        assert!(lines("a", "a\n").unwrap().contains("line ends"));
    }
}
