//! What is noted of a load: latencies, answers by what they say, completions per second.

use hdrhistogram::Histogram;
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// The longest latency that is told apart, in nanoseconds; longer ones count as this.
const LONGEST_NS: u64 = 300_000_000_000;

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    Code(u16),
    Text(&'static str),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Code(code) => write!(f, "{code}"),
            Word::Text(text) => f.write_str(text),
        }
    }
}

/// The answers to one operation: several if it was a pipelined batch.
#[derive(Debug, Default)]
pub struct Answers(Vec<(Word, bool, u64)>);

impl Answers {
    /// `count` answers that are what was asked for.
    pub fn good(&mut self, word: Word, count: u64) {
        self.0.push((word, true, count));
    }

    /// `count` failures.
    pub fn bad(&mut self, word: Word, count: u64) {
        self.0.push((word, false, count));
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// When a load begins, when its measurement begins, when both end.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub start: Instant,
    pub measure: Instant,
    pub end: Instant,
}

/// Notes of one thread, or of all of them once merged.
pub struct Record {
    window: Window,
    /// Nanoseconds.
    latencies: Histogram<u64>,
    answers: BTreeMap<Word, u64>,
    good: u64,
    failures: u64,
    /// Good answers in each second of the measurement.
    per_second: Vec<u64>,
}

impl Record {
    pub fn new(window: Window) -> Record {
        let latencies = Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("bounds that are in order");
        let seconds = (window.end - window.measure).as_secs() as usize;
        Record {
            window,
            latencies,
            answers: BTreeMap::new(),
            good: 0,
            failures: 0,
            per_second: vec![0; seconds],
        }
    }

    /// Notes an operation, unless it lies outside of the measurement. An open loop gives the instant at which it
    /// was due, so that waiting for a free connection counts. One that ended after the end took its time and counts for
    /// no rate; failures have no latency, since to refuse is quick.
    pub fn note(&mut self, begun: Instant, ended: Instant, answers: &Answers) {
        if ended < self.window.measure || begun >= self.window.end {
            return;
        }
        let good = answers.0.iter().filter(|(_, is_good, _)| *is_good).map(|(.., count)| count).sum();
        self.latencies.saturating_record_n(nanoseconds(begun, ended), good);
        if ended >= self.window.end {
            return;
        }
        for (word, is_good, count) in &answers.0 {
            *self.answers.entry(*word).or_default() += count;
            self.failures += if *is_good { 0 } else { *count };
        }
        self.good += good;
        let second = (ended - self.window.measure).as_secs() as usize;
        if let Some(count) = self.per_second.get_mut(second) {
            *count += good;
        }
    }

    /// Notes an operation that had no answer when nobody waited any longer.
    pub fn unanswered(&mut self, begun: Instant, given_up: Instant) {
        if begun < self.window.end {
            self.latencies.saturating_record(nanoseconds(begun, given_up));
            *self.answers.entry(Word::Text("no answer")).or_default() += 1;
            self.failures += 1;
        }
    }

    /// Takes in the notes of another thread with the same window.
    pub fn merge(&mut self, other: &Record) {
        self.latencies.add(&other.latencies).expect("histograms of the same bounds");
        for (word, count) in &other.answers {
            *self.answers.entry(*word).or_default() += count;
        }
        self.good += other.good;
        self.failures += other.failures;
        for (mine, theirs) in self.per_second.iter_mut().zip(&other.per_second) {
            *mine += theirs;
        }
    }

    pub fn good(&self) -> u64 {
        self.good
    }

    pub fn failures(&self) -> u64 {
        self.failures
    }

    pub fn answers(&self) -> &BTreeMap<Word, u64> {
        &self.answers
    }

    pub fn per_second(&self) -> &[u64] {
        &self.per_second
    }

    /// Good answers a second between two instants, `None` being the begin and the end: the mean of the seconds of the
    /// measurement that lie between them, of the nearest one where none does.
    pub fn rate_between(&self, from: Option<Instant>, to: Option<Instant>) -> f64 {
        let second = |at: Instant| at.saturating_duration_since(self.window.measure).as_secs_f64();
        let last = self.per_second.len();
        let first = from.map_or(0, |from| second(from).ceil() as usize).min(last.saturating_sub(1));
        let end = to.map_or(last, |to| second(to).floor() as usize).clamp(first + 1, last.max(first + 1));
        let between = self.per_second.get(first..end).unwrap_or_default();
        between.iter().sum::<u64>() as f64 / between.len().max(1) as f64
    }

    pub fn measured(&self) -> Duration {
        self.window.end - self.window.measure
    }

    /// Latency in milliseconds below which the given share of operations lies.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        self.latencies.value_at_quantile(share) as f64 / 1e6
    }

    /// Those whose latency is noted.
    pub fn operations(&self) -> u64 {
        self.latencies.len()
    }

    pub fn longest_ms(&self) -> f64 {
        self.latencies.max() as f64 / 1e6
    }
}

fn nanoseconds(from: Instant, to: Instant) -> u64 {
    u64::try_from((to - from).as_nanos()).unwrap_or(u64::MAX).clamp(1, LONGEST_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn window() -> Window {
        let start = Instant::now();
        Window { start, measure: start + 1000 * MS, end: start + 4000 * MS }
    }

    fn one(word: Word, good: bool) -> Answers {
        Answers(vec![(word, good, 1)])
    }

    #[test]
    fn only_what_ends_inside_of_the_measurement_counts_for_the_rate() {
        let w = window();
        let mut record = Record::new(w);
        for (ended, counts) in [(999, false), (1000, true), (3999, true), (4000, false)] {
            let before = record.good();
            record.note(w.start, w.start + ended * MS, &one(Word::Code(1000), true));
            assert_eq!(record.good() > before, counts, "{ended}");
        }
        assert_eq!((record.good(), record.per_second()), (2, [1, 0, 1].as_slice()));
    }

    #[test]
    fn a_stall_at_the_end_is_seen() {
        let w = window();
        let mut record = Record::new(w);
        record.note(w.measure, w.measure + MS, &one(Word::Code(1000), true));
        record.note(w.end - MS, w.end + 500 * MS, &one(Word::Code(1000), true));
        assert!(record.longest_ms() > 500.0);
        record.note(w.end, w.end + 900 * MS, &one(Word::Code(1000), true));
        assert!(record.longest_ms() < 600.0, "begun when all was over");
        record.unanswered(w.measure, w.end + 1000 * MS);
        assert!(record.longest_ms() > 3900.0);
        assert_eq!((record.good(), record.failures()), (1, 1));
    }

    #[test]
    fn a_rate_is_that_of_the_seconds_between() {
        let w = window();
        let mut record = Record::new(w);
        for (ms, count) in [(500, 1), (1500, 5), (2500, 9)] {
            for _ in 0..count {
                record.note(w.start, w.measure + ms * MS, &one(Word::Code(1000), true));
            }
        }
        let at = |ms: u32| Some(w.measure + ms * MS);
        for (from, to, rate) in [
            (None, None, 5.0),
            (None, at(2900), 3.0),
            (at(900), at(2000), 5.0),
            (at(1200), None, 9.0),
            (at(1200), at(1800), 9.0),
            (at(9000), None, 9.0),
        ] {
            assert_eq!(record.rate_between(from, to).to_bits(), f64::to_bits(rate), "{from:?} {to:?}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_samples() {
        let w = window();
        let mut record = Record::new(w);
        for ms in 1..=1000 {
            record.note(w.measure, w.measure + ms * MS, &one(Word::Code(1000), true));
        }
        for (share, ms) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0)] {
            assert!((record.quantile_ms(share) / ms - 1.0).abs() < 0.002, "{share}");
        }
        assert!((record.longest_ms() / 1000.0 - 1.0).abs() < 0.002);
    }

    #[test]
    fn failures_are_told_apart_and_threads_add_up() {
        let w = window();
        let (mut a, mut b) = (Record::new(w), Record::new(w));
        a.note(w.measure, w.measure + MS, &one(Word::Code(2302), false));
        let mut batch = Answers::default();
        batch.good(Word::Text("free"), 30);
        batch.bad(Word::Text("other"), 2);
        b.note(w.measure, w.measure + 2 * MS, &batch);
        a.merge(&b);
        assert_eq!((a.good(), a.failures(), a.operations()), (30, 3, 30));
        assert_eq!(a.answers()[&Word::Code(2302)], 1);
        assert_eq!(a.per_second(), [30, 0, 0]);
    }
}
