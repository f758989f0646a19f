//! Where a new password comes from: standard input, the terminal, the command line, or chance.

use crate::answer::Stop;
use admin::wire::Secret;
use clap::Args;
use ring::rand::{SecureRandom, SystemRandom};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::{
    convert::Infallible,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
};

/// Without any of these a password is generated and shown once.
#[derive(Debug, Args)]
#[group(multiple = false)]
#[command(next_help_heading = "The password (generated and shown once if none is given)")]
pub struct Source {
    /// Read the password from standard input, one line
    #[arg(long)]
    password_stdin: bool,

    /// Ask for the password at the terminal, twice
    #[arg(long)]
    password_prompt: bool,

    /// The password itself; other users of this machine can see it in the list of processes
    #[arg(long, value_name = "PASSWORD", value_parser = secret)]
    password: Option<Secret>,
}

/// An argument that is not shown by `Debug`.
pub fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

/// Longest line that is read as a password; the node takes 16 characters.
const LINE_MAX: u64 = 1024;
/// Letters and digits that are not mistaken for each other.
const ALPHABET: &[u8; 57] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// The most that EPP carries (RFC 5730, pwType): 93 bits.
const GENERATED: usize = 16;

/// A password, and whether it must be shown because nobody knows it yet.
#[derive(Debug)]
pub struct Chosen {
    pub password: Secret,
    pub generated: bool,
}

impl Source {
    pub fn choose(&self) -> Result<Chosen, Stop> {
        let given = |password| Chosen { password, generated: false };
        match &self.password {
            Some(password) => Ok(given(password.clone())),
            None if self.password_stdin => line(io::stdin().lock()).map(given),
            None if self.password_prompt => prompt().map(given),
            None => Ok(Chosen { password: generate()?, generated: true }),
        }
    }
}

fn line(from: impl Read) -> Result<Secret, Stop> {
    let failed = |e: io::Error| Stop::Failed(format!("the password could not be read: {e}"));
    let mut text = String::new();
    BufReader::new(from.take(LINE_MAX)).read_line(&mut text).map_err(failed)?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(Secret::new(text))
}

fn prompt() -> Result<Secret, Stop> {
    let failed =
        |e: io::Error| Stop::Failed(format!("there is no terminal to ask at: {e}; use --password-stdin"));
    let tty = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(failed)?;
    let _silent = Silent::new(&tty).map_err(failed)?;
    let ask = |question: &str| {
        (&tty).write_all(question.as_bytes()).map_err(failed)?;
        let answer = line(OneLine(&tty));
        (&tty).write_all(b"\n").map_err(failed)?;
        answer
    };
    let first = ask("New password: ")?;
    if first != ask("The same again: ")? {
        return Err(Stop::Failed("the two passwords differ; nothing was done".into()));
    }
    Ok(first)
}

/// A terminal in its usual mode gives a line at a time; reading byte by byte leaves the next line for the next ask.
struct OneLine<'t>(&'t File);

impl Read for OneLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let one = buffer.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

/// A terminal that does not show what is typed, until the value is dropped.
struct Silent<'t> {
    tty: &'t File,
    before: Termios,
}

impl<'t> Silent<'t> {
    fn new(tty: &'t File) -> io::Result<Silent<'t>> {
        let before = tcgetattr(tty)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(tty, OptionalActions::Flush, &silent)?;
        Ok(Silent { tty, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // The terminal is gone if this fails.
        let _ = tcsetattr(self.tty, OptionalActions::Flush, &self.before);
    }
}

fn generate() -> Result<Secret, Stop> {
    let random = SystemRandom::new();
    let mut password = String::with_capacity(GENERATED);
    while password.len() < GENERATED {
        let mut octet = [0; 1];
        random.fill(&mut octet).map_err(|_| Stop::Failed("the system's random source failed".into()))?;
        // Below the last multiple of the alphabet's length every character is equally likely.
        if usize::from(octet[0]) < 256 / ALPHABET.len() * ALPHABET.len() {
            password.push(char::from(ALPHABET[usize::from(octet[0]) % ALPHABET.len()]));
        }
    }
    Ok(Secret::new(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_passwords_have_full_length_and_differ() {
        let (a, b) = (generate().unwrap(), generate().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), GENERATED);
        assert!(a.expose().bytes().all(|c| ALPHABET.contains(&c)));
    }

    #[test]
    fn one_line_is_read_without_its_end() {
        assert_eq!(line("alpha-secret\r\nmore\n".as_bytes()).unwrap().expose(), "alpha-secret");
        assert_eq!(line("alpha secret".as_bytes()).unwrap().expose(), "alpha secret");
    }
}
