//! Names as a function of numbers: the same number is the same label in every process and on every machine, so
//! that who seeds and who asks need not talk to each other.
//!
//! Labels lie scattered over the key space, as registrars' names do; neighbours in number are none on disk.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Octets of a label: 64 bits, five to a character.
pub const LABEL_LEN: usize = 13;

pub type Label = [u8; LABEL_LEN];

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Where the numbers of free names begin; nobody registers them.
const FREE: u64 = 1 << 62;
/// Where the numbers of names that are created under load begin.
const CREATED: u64 = 1 << 63;
/// Bits of a counter of creates; a run has a number above them.
const COUNTER_BITS: u32 = 36;

/// A bijection that scatters consecutive numbers (the finisher of splitmix64).
pub const fn spread(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The label of a number. Different numbers have different labels.
pub fn label(n: u64) -> Label {
    let mut bits = spread(n);
    let mut label = [0; LABEL_LEN];
    for c in label.iter_mut().rev() {
        *c = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    label
}

/// The label of the `counter`th create of a run.
pub fn created(run: u64, counter: u64) -> Label {
    let counter = counter & ((1 << COUNTER_BITS) - 1);
    label(CREATED | (run << COUNTER_BITS) & (CREATED - 1) | counter)
}

/// Which names are asked for.
#[derive(Clone, Debug, clap::Args)]
pub struct Population {
    /// Names that `bench seed` has registered
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    pub names: u64,
    /// Ask for popular names more often: the exponent of Zipf's law, below 1; all alike without it
    #[arg(long, value_name = "EXPONENT", value_parser = exponent)]
    pub zipf: Option<f64>,
    /// The share of names that are not registered, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub free: f64,
}

fn exponent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(e) if e > 0.0 && e < 1.0 => Ok(e),
        _ => Err("the exponent lies between 0 and 1, for example 0.99".into()),
    }
}

/// How names are drawn from a population; shared by all who draw.
#[derive(Clone, Debug)]
pub struct Draw {
    names: u64,
    zipf: Option<Arc<Zipf>>,
    free: f64,
    /// Sources so far.
    sources: Arc<AtomicU64>,
}

impl Draw {
    pub fn new(from: &Population) -> Draw {
        let zipf = from.zipf.map(|exponent| Arc::new(Zipf::new(from.names, exponent)));
        Draw { names: from.names, zipf, free: from.free, sources: Arc::default() }
    }

    /// A source of labels, another sequence each time: who connects again does not ask for the same names again, which
    /// would be at hand by then.
    pub fn source(&self) -> Labels {
        let number = self.sources.fetch_add(1, Ordering::Relaxed);
        Labels { draw: self.clone(), random: Random::new(number) }
    }
}

/// Labels, one after the other.
#[derive(Debug)]
pub struct Labels {
    draw: Draw,
    random: Random,
}

impl Labels {
    pub fn next(&mut self) -> Label {
        if self.draw.free > 0.0 && self.random.fraction() < self.draw.free {
            return label(FREE + self.random.below(self.draw.names));
        }
        match &self.draw.zipf {
            Some(zipf) => label(zipf.rank(self.random.fraction())),
            None => label(self.random.below(self.draw.names)),
        }
    }
}

/// Ranks by Zipf's law, after Gray et al., "Quickly generating billion-record synthetic databases" (1994).
#[derive(Debug)]
struct Zipf {
    n: f64,
    exponent: f64,
    zeta: f64,
    alpha: f64,
    eta: f64,
}

impl Zipf {
    /// Sums over all `n` ranks once.
    fn new(n: u64, exponent: f64) -> Zipf {
        let zeta: f64 = (1..=n).map(|rank| (rank as f64).powf(-exponent)).sum();
        let of_two = 1.0 + 2_f64.powf(-exponent);
        let n = n as f64;
        let eta = (1.0 - (2.0 / n).powf(1.0 - exponent)) / (1.0 - of_two / zeta);
        Zipf { n, exponent, zeta, alpha: 1.0 / (1.0 - exponent), eta }
    }

    /// The rank, from 0, for a number between 0 and 1.
    fn rank(&self, u: f64) -> u64 {
        let at = u * self.zeta;
        if at < 1.0 {
            return 0;
        }
        if at < 1.0 + 0.5_f64.powf(self.exponent) {
            return 1.min(self.n as u64 - 1);
        }
        let rank = self.n * (self.eta * u - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.n as u64 - 1)
    }
}

/// Numbers that look like chance: splitmix64.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(spread(seed))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        spread(self.0)
    }

    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// At least 0, less than 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn labels_are_those_of_yesterday_and_differ() {
        // a registry that was seeded by an older build must be found
        assert_eq!(&label(0), b"oeifihf5r3tnp");
        let all: BTreeSet<Label> = (0..10_000).chain((0..10_000).map(|n| FREE + n)).map(label).collect();
        let created = (0..10_000).map(|n| created(7, n));
        assert_eq!(all.into_iter().chain(created).collect::<BTreeSet<_>>().len(), 30_000);
        assert_ne!(super::created(1, 0), super::created(2, 0));
    }

    #[test]
    fn labels_are_letters_and_digits_and_begin_with_a_letter() {
        for n in 0..10_000 {
            let label = label(n);
            assert!(label[0].is_ascii_lowercase());
            assert!(label.iter().all(u8::is_ascii_alphanumeric));
        }
    }

    fn drawn(zipf: Option<f64>, free: f64) -> Vec<Label> {
        let mut labels = Draw::new(&Population { names: 1000, zipf, free }).source();
        (0..100_000).map(|_| labels.next()).collect()
    }

    fn share_of(labels: &[Label], n: u64) -> f64 {
        labels.iter().filter(|l| **l == label(n)).count() as f64 / labels.len() as f64
    }

    #[test]
    fn uniform_draws_reach_all_names_alike() {
        let labels = drawn(None, 0.0);
        assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), 1000);
        assert!((0.0005..0.002).contains(&share_of(&labels, 0)));
        let known: BTreeSet<Label> = (0..1000).map(label).collect();
        let free = drawn(None, 0.5).iter().filter(|l| !known.contains(*l)).count();
        assert!((45_000..55_000).contains(&free), "{free}");
    }

    #[test]
    fn zipf_has_the_shares_of_its_law() {
        let labels = drawn(Some(0.99), 0.0);
        let zeta: f64 = (1..=1000).map(|r| f64::from(r).powf(-0.99)).sum();
        for (rank, tolerance) in [(0, 0.05), (1, 0.05), (9, 0.25)] {
            let expected = f64::from(rank + 1).powf(-0.99) / zeta;
            let seen = share_of(&labels, u64::try_from(rank).unwrap());
            assert!((seen / expected - 1.0).abs() < tolerance, "rank {rank}: {seen} for {expected}");
        }
        let zipf = Zipf::new(1000, 0.99);
        assert_eq!((zipf.rank(0.0), zipf.rank(0.999_999_9)), (0, 999));
        assert_eq!(Zipf::new(1, 0.5).rank(0.9), 0);
    }

    #[test]
    fn sources_differ_and_those_of_two_draws_are_alike() {
        let draw = || Draw::new(&Population { names: 1 << 30, zipf: None, free: 0.0 });
        let (one, other) = (draw(), draw());
        let first = one.source().next();
        assert_eq!(first, other.source().next());
        assert_ne!(first, one.clone().source().next(), "who connects again asks for other names");
    }
}
