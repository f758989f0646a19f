//! ICANN's Registry System Testing, version 2, on the wire: the EPP cases whose verbs exist here, with ICANN's own
//! rows where a case has rows. A row passes with a code up to 1999, and an info then shows exactly what was sent; it
//! fails with 2000 or more, and never with 2400.
//!
//! The rows lie beside the project and are not part of it. Values that are to be made up come from `NAMINGO_SEED`.
//!
//! Not here: cases about connections (epp-01), certificates (epp-03) and more than one node (epp-17), which need real
//! processes, and those whose verbs come later (epp-09, 10, 12, 13, 15, 16, 18 to 27).

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

mod access;
mod checks;
mod contacts;
mod domains;
mod hosts;
#[path = "../../../registry/tests/rules/sheet.rs"]
mod sheet;
mod tester;
