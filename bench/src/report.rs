//! A result as a table for people and as JSON for programs.

use crate::load::Measured;
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write};

/// What one load measured. Latencies are in milliseconds, processor times in microseconds per good answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    pub what: String,
    pub seconds: f64,
    /// With any answer.
    pub operations: u64,
    /// Good answers per second.
    pub rate: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub longest_ms: f64,
    /// Of the servers together; absent if their processes are not known.
    pub server_cpu_us: Option<f64>,
    /// Of this process: what a quieter generator would leave to the servers.
    pub generator_cpu_us: f64,
    pub failures: u64,
    /// Operations of an open loop that were due and not begun before the end.
    pub missed: u64,
    /// Answers by what they say.
    pub answers: BTreeMap<String, u64>,
    /// Good answers in the slowest second, and in the median one.
    pub slowest_second: u64,
    pub median_second: u64,
    pub per_second: Vec<u64>,
}

impl Row {
    pub fn new(what: impl Into<String>, measured: &Measured) -> Row {
        let record = &measured.record;
        let seconds = record.measured().as_secs_f64();
        let each = |time: std::time::Duration| time.as_secs_f64() * 1e6 / record.good().max(1) as f64;
        let mut sorted = record.per_second().to_vec();
        sorted.sort_unstable();
        Row {
            what: what.into(),
            seconds,
            operations: record.operations(),
            rate: record.good() as f64 / seconds,
            p50_ms: record.quantile_ms(0.5),
            p99_ms: record.quantile_ms(0.99),
            p999_ms: record.quantile_ms(0.999),
            longest_ms: record.longest_ms(),
            server_cpu_us: measured.served.map(each),
            generator_cpu_us: each(measured.generated),
            failures: record.failures(),
            missed: measured.missed,
            answers: record.answers().iter().map(|(word, n)| (word.to_string(), *n)).collect(),
            slowest_second: sorted.first().copied().unwrap_or(0),
            median_second: sorted.get(sorted.len() / 2).copied().unwrap_or(0),
            per_second: record.per_second().to_vec(),
        }
    }

    /// The median of several runs, figure by figure; what is counted is added up.
    pub fn median(what: impl Into<String>, runs: &[Row]) -> Row {
        let of = |figure: fn(&Row) -> f64| median(runs.iter().map(figure).collect());
        let cpu: Option<Vec<f64>> = runs.iter().map(|run| run.server_cpu_us).collect();
        let per_second: Vec<u64> = runs.iter().flat_map(|run| run.per_second.clone()).collect();
        let mut sorted = per_second.clone();
        sorted.sort_unstable();
        let mut answers = BTreeMap::new();
        for (word, count) in runs.iter().flat_map(|run| &run.answers) {
            *answers.entry(word.clone()).or_default() += count;
        }
        Row {
            what: what.into(),
            seconds: runs.iter().map(|run| run.seconds).sum(),
            operations: runs.iter().map(|run| run.operations).sum(),
            rate: of(|run| run.rate),
            p50_ms: of(|run| run.p50_ms),
            p99_ms: of(|run| run.p99_ms),
            p999_ms: of(|run| run.p999_ms),
            longest_ms: runs.iter().map(|run| run.longest_ms).fold(0.0, f64::max),
            server_cpu_us: cpu.map(median),
            generator_cpu_us: of(|run| run.generator_cpu_us),
            failures: runs.iter().map(|run| run.failures).sum(),
            missed: runs.iter().map(|run| run.missed).sum(),
            answers,
            slowest_second: sorted.first().copied().unwrap_or(0),
            median_second: sorted.get(sorted.len() / 2).copied().unwrap_or(0),
            per_second,
        }
    }
}

/// Zero of nothing.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => 0.0,
        n if n % 2 == 1 => figures[n / 2],
        n => f64::midpoint(figures[n / 2 - 1], figures[n / 2]),
    }
}

/// Rows below each other, the first being what the others are compared with.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    pub title: String,
    pub rows: Vec<Row>,
    /// Rate, p99, p99.9 and processor time of each row as multiples of the first row's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ratios: Vec<Ratio>,
    /// What else was seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Ratio {
    pub what: String,
    pub rate: f64,
    pub p99: f64,
    pub p999: f64,
    pub server_cpu: Option<f64>,
}

impl Table {
    /// Without a comparison.
    pub fn plain(title: impl Into<String>, rows: Vec<Row>) -> Table {
        Table { title: title.into(), rows, ratios: Vec::new(), notes: Vec::new() }
    }

    /// Every row compared with the first.
    pub fn compared(title: impl Into<String>, rows: Vec<Row>) -> Table {
        let ratios = rows.split_first().map_or_else(Vec::new, |(first, others)| {
            let ratio = |row: &Row| Ratio {
                what: row.what.clone(),
                rate: row.rate / first.rate,
                p99: row.p99_ms / first.p99_ms,
                p999: row.p999_ms / first.p999_ms,
                server_cpu: row.server_cpu_us.zip(first.server_cpu_us).map(|(row, first)| row / first),
            };
            others.iter().map(ratio).collect()
        });
        Table { title: title.into(), rows, ratios, notes: Vec::new() }
    }

    fn text(&self) -> String {
        let mut out = format!(
            "{}\n\n{:<24} {:>10} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>8}\n",
            self.title,
            "",
            "per s",
            "p50 ms",
            "p99",
            "p99.9",
            "longest",
            "slowest s",
            "CPU us/op",
            "generator",
            "failures"
        );
        for row in &self.rows {
            let cpu = row.server_cpu_us.map_or_else(|| "-".into(), |us| format!("{us:.2}"));
            let _ = writeln!(
                out,
                "{:<24} {:>10} {:>8.3} {:>8.3} {:>8.3} {:>8.1} {:>9} {:>9} {:>9.2} {:>8}",
                row.what,
                grouped(row.rate.round() as u64),
                row.p50_ms,
                row.p99_ms,
                row.p999_ms,
                row.longest_ms,
                grouped(row.slowest_second),
                cpu,
                row.generator_cpu_us,
                row.failures
            );
        }
        for ratio in &self.ratios {
            let cpu = ratio.server_cpu.map_or_else(String::new, |cpu| format!(", CPU {cpu:.2}"));
            let _ = writeln!(
                out,
                "\n{} / {}: rate {:.3}, p99 {:.2}, p99.9 {:.2}{cpu}",
                ratio.what, self.rows[0].what, ratio.rate, ratio.p99, ratio.p999
            );
        }
        out.push('\n');
        for row in &self.rows {
            let answers: Vec<String> = row.answers.iter().map(|(word, n)| format!("{word}: {n}")).collect();
            let missed =
                if row.missed == 0 { String::new() } else { format!("; {} due and not begun", row.missed) };
            let _ = writeln!(
                out,
                "{}: {}; median second {}{missed}",
                row.what,
                answers.join(", "),
                grouped(row.median_second)
            );
        }
        self.notes.iter().for_each(|note| out.extend([note, "\n"]));
        out
    }
}

/// Prints tables one after the other, or as one JSON list.
///
/// # Errors
/// They can't be written as JSON.
pub fn print(tables: &[Table], json: bool) -> Result<(), serde_json::Error> {
    if json {
        println!("{}", serde_json::to_string_pretty(tables)?);
    } else {
        let texts: Vec<String> = tables.iter().map(Table::text).collect();
        print!("{}", texts.join("\n"));
    }
    Ok(())
}

/// A number with commas between thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(what: &str, rate: f64, cpu: Option<f64>) -> Row {
        let answers = BTreeMap::from([("1000".to_owned(), 2)]);
        Row {
            what: what.into(),
            rate,
            p99_ms: 2.0,
            p999_ms: 4.0,
            server_cpu_us: cpu,
            answers,
            per_second: vec![3, 1, 2],
            ..Row::default()
        }
    }

    #[test]
    fn medians_are_taken_figure_by_figure_and_counts_add_up() {
        let m = Row::median(
            "all",
            &[row("a", 3.0, Some(1.0)), row("b", 1.0, Some(5.0)), row("c", 2.0, Some(3.0))],
        );
        assert_eq!((m.rate, m.server_cpu_us, m.answers["1000"]), (2.0, Some(3.0), 6));
        assert_eq!((m.slowest_second, m.median_second, m.per_second.len()), (1, 2, 9));
        assert_eq!(median(vec![1.0, 2.0]), 1.5);
        assert_eq!(Row::median("none known", &[row("a", 1.0, None)]).server_cpu_us, None);
    }

    #[test]
    fn rows_are_compared_with_the_first() {
        let table =
            Table::compared("two", vec![row("one", 200.0, Some(4.0)), row("other", 100.0, Some(6.0))]);
        assert_eq!((table.ratios.len(), table.ratios[0].rate), (1, 0.5));
        assert_eq!(table.ratios[0].server_cpu, Some(1.5));
        let text = table.text();
        assert!(text.contains("other / one: rate 0.500, p99 1.00, p99.9 1.00, CPU 1.50"), "{text}");
        assert!(Table::compared("none", Vec::new()).ratios.is_empty());
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
