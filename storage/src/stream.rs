//! The snapshot stream: frames of a length (u32, little endian) and a payload whose first byte tells its
//! kind. An opening with the header, blocks of rows in key order, a closing with the number of rows and a
//! hash of all that came before. Not compressed and not encrypted: that is the carrier's task.

use crate::{Fault, Header, TransferError, codec};
use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;
use std::io;

/// The stream's format; changes with every incompatible change before the first release.
pub(crate) const FORMAT: &str = "namingo snapshot 1";

/// A block is closed when it has this many bytes.
const BLOCK_BYTES: usize = 1 << 20;

/// The longest frame that a reader accepts: a block plus the largest value that fits the decode limit.
const FRAME_MAX: usize = BLOCK_BYTES + codec::DECODE_LIMIT + (1 << 16);

const HASH_KEY: [u8; 16] = *b"snapshot frames1";
const OPENING: u8 = b'O';
const BLOCK: u8 = b'B';
const CLOSING: u8 = b'C';

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(crate) format: String,
    pub(crate) header: Header,
    /// Number and name of every table that follows, in this order.
    pub(crate) tables: Vec<(u8, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Closing {
    pub(crate) rows: u64,
    hash: u128,
}

/// Writes frames and hashes them.
pub(crate) struct Sink<'w> {
    to: &'w mut dyn io::Write,
    hash: SipHasher13,
    rows: u64,
    block: Vec<u8>,
}

impl<'w> Sink<'w> {
    pub(crate) fn open(to: &'w mut dyn io::Write, opening: &Opening) -> Result<Sink<'w>, TransferError> {
        let hash = SipHasher13::new_with_key(&HASH_KEY);
        let mut sink = Sink { to, hash, rows: 0, block: Vec::new() };
        sink.frame(OPENING, &codec::encode_record(opening))?;
        Ok(sink)
    }

    pub(crate) fn row(&mut self, table: u8, key: &[u8], value: &[u8]) -> Result<(), TransferError> {
        if self.block.first() != Some(&table) || self.block.len() >= BLOCK_BYTES {
            self.end_block()?;
            self.block.push(table);
        }
        for part in [key, value] {
            let len = u32::try_from(part.len()).map_err(|_| Fault::corrupt("a row of more than 4 GiB"))?;
            self.block.extend_from_slice(&len.to_le_bytes());
            self.block.extend_from_slice(part);
        }
        self.rows += 1;
        Ok(())
    }

    pub(crate) fn close(mut self) -> Result<(), TransferError> {
        self.end_block()?;
        let closing = Closing { rows: self.rows, hash: self.hash.finish128().as_u128() };
        self.frame(CLOSING, &codec::encode_record(&closing))?;
        self.to.flush().map_err(TransferError::Stream)
    }

    fn end_block(&mut self) -> Result<(), TransferError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.block);
        self.frame(BLOCK, &block)?;
        self.block = block;
        self.block.clear();
        Ok(())
    }

    fn frame(&mut self, kind: u8, payload: &[u8]) -> Result<(), TransferError> {
        let len =
            u32::try_from(payload.len() + 1).map_err(|_| Fault::corrupt("a frame of more than 4 GiB"))?;
        let mut head = [0; 5];
        head[..4].copy_from_slice(&len.to_le_bytes());
        head[4] = kind;
        self.hash.write(&head);
        self.hash.write(payload);
        let written = self.to.write_all(&head).and_then(|()| self.to.write_all(payload));
        written.map_err(TransferError::Stream)
    }
}

/// One frame as read.
pub(crate) enum Frame {
    /// Rows of one table.
    Block(Vec<u8>),
    /// The end; everything before it has the hash that it states.
    Closing(Closing),
}

/// Reads frames and checks the hash.
pub(crate) struct Source<'r> {
    from: &'r mut dyn io::Read,
    hash: SipHasher13,
}

impl<'r> Source<'r> {
    pub(crate) fn open(from: &'r mut dyn io::Read) -> Result<(Source<'r>, Opening), TransferError> {
        let mut source = Source { from, hash: SipHasher13::new_with_key(&HASH_KEY) };
        let payload = source.payload()?;
        let opening: Opening = match payload.split_first() {
            Some((&OPENING, rest)) => codec::decode_record(rest).map_err(|e| refuse(&e.to_string()))?,
            _ => return Err(refuse("it does not begin with an opening frame")),
        };
        if opening.format != FORMAT {
            return Err(refuse(&format!(
                "its format is \"{}\", this version reads \"{FORMAT}\"",
                opening.format
            )));
        }
        source.hash_frame(&payload);
        Ok((source, opening))
    }

    pub(crate) fn next(&mut self) -> Result<Frame, TransferError> {
        let mut payload = self.payload()?;
        match payload.first() {
            Some(&BLOCK) => {
                self.hash_frame(&payload);
                payload.remove(0);
                Ok(Frame::Block(payload))
            }
            Some(&CLOSING) => {
                let closing: Closing =
                    codec::decode_record(&payload[1..]).map_err(|e| refuse(&e.to_string()))?;
                if closing.hash != self.hash.finish128().as_u128() {
                    return Err(refuse("its hash does not fit its content"));
                }
                Ok(Frame::Closing(closing))
            }
            _ => Err(refuse("it holds a frame of an unknown kind")),
        }
    }

    fn payload(&mut self) -> Result<Vec<u8>, TransferError> {
        let mut len = [0; 4];
        self.from.read_exact(&mut len).map_err(TransferError::Stream)?;
        let len = u32::from_le_bytes(len) as usize;
        if len == 0 || len > FRAME_MAX {
            return Err(refuse(&format!("it holds a frame of {len} bytes, the limit is {FRAME_MAX}")));
        }
        let mut payload = vec![0; len];
        self.from.read_exact(&mut payload).map_err(TransferError::Stream)?;
        Ok(payload)
    }

    fn hash_frame(&mut self, payload: &[u8]) {
        // A frame never exceeds FRAME_MAX, which fits a u32.
        self.hash.write(&(payload.len() as u32).to_le_bytes());
        self.hash.write(payload);
    }
}

/// The rows of a block: its table and an iterator over key and value.
pub(crate) fn rows(block: &[u8]) -> Result<(u8, BlockRows<'_>), TransferError> {
    let (table, rest) = block.split_first().ok_or_else(|| refuse("it holds an empty block"))?;
    Ok((*table, BlockRows(rest)))
}

pub(crate) struct BlockRows<'a>(&'a [u8]);

impl<'a> BlockRows<'a> {
    fn part(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        self.0 = rest;
        Some(part)
    }
}

impl<'a> Iterator for BlockRows<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), TransferError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let row = self.part().zip(self.part());
        if row.is_none() {
            self.0 = &[];
        }
        Some(row.ok_or_else(|| refuse("it holds a block that ends inside a row")))
    }
}

pub(crate) fn refuse(why: &str) -> TransferError {
    TransferError::Refused(format!("the snapshot is not taken: {why}"))
}
