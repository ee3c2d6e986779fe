//! The client against servers on this machine: one module per subject.
//!
//! `cfg(test)` tells clippy that helpers are tests too.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod forward;
#[cfg(test)]
mod guide;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod leads;
#[cfg(test)]
mod note_contents;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod pace;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod redaction;
#[cfg(test)]
mod renamed;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod writes;
