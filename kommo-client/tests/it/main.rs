//! The client against servers on this machine: one module per subject.
//!
//! # The fault rows
//!
//! Tests that begin with `k` and a number answer the row of that number in the project's fault matrix, "us to Kommo". They
//! are here, and beside the code where no server is needed. `faults::every_row_is_answered` keeps this table true.
//!
//! | row | fault | here, or why not |
//! |---|---|---|
//! | K01 | 429 that says how long to wait | `k01` |
//! | K02 | 429 that does not | `k02` |
//! | K03 | 429 that says something absurd | `k03` |
//! | K04 | 429 that is no JSON | `k04` |
//! | K05 | a block of the address | `k05` |
//! | K06 | a lack of rights | `k06` |
//! | K07 | the token has ended | `k07` |
//! | K08 | the grant has ended | `k08` |
//! | K09 | 402, 410, 451 | `k09` |
//! | K10 | two renew at once | `k10` |
//! | K11 | a crash between a renewal and its keeping | `k11`: kept before it is used; the crash itself is the store's and the engine's |
//! | K12 | 5xx before anything was done | `k12` |
//! | K13 | 5xx after it was done | `k13`: unknown; looking for it is the engine's |
//! | K14 | no answer in time | `k14` |
//! | K15 | done only after we gave up | elsewhere: to the client it is K14; how long to wait before looking is the engine's |
//! | K16 | reads that lag behind writes | elsewhere: the client looks for nothing; the engine looks twice |
//! | K17 | a connection that breaks | `k17` |
//! | K18 | a kept connection that closes | `k18` |
//! | K19 | a success that is cut | `k19` |
//! | K20 | a success that is no answer | `k20` |
//! | K21 | ids that are none | `k21` |
//! | K22 | 204 for a list | `k22` |
//! | K23 | 202 or 204 for a creation | `k23` |
//! | K24 | redirects | `k24` |
//! | K25 | drips, floods, bombs | `k25` |
//! | K26 | names that cannot be resolved | `k26` |
//! | K27 | refused connections and certificates | `k27` |
//! | K28 | a batch of which some is refused | `k28` |
//! | K29 | answers of a batch that miss or repeat items | `k29` |
//! | K30 | a crash between an answer and its record | elsewhere: the client keeps no record; the engine's journal does |
//! | K31 | a lead that is gone | `k31` |
//! | K32 | a lead that was merged into another | elsewhere: to the client it is K31; which lead survived is the engine's to find |
//! | K33 | a person who was faster | elsewhere: the engine reads, compares and sets |
//! | K34 | answers with unknown, missing and double keys | `k34` |
//! | K35 | pages that loop or lead away | `k35` |
//! | K36 | others who use up the rate | `k36` |
//! | K37 | three days without Kommo | elsewhere: the client keeps no queue; the engine's inbox does |
//! | K38 | clocks that differ, lives that are absurd | `k38` |
//! | K39 | texts that are too long | `k39`: values of fields; notes go whole, and cutting them so that the marker stays is the engine's |
//! | K40 | what comes before, or instead of, an answer | `k40`; HTTP/2 is not switched on |
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
mod faults;
#[cfg(test)]
mod filters;
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
mod memory;
#[cfg(test)]
mod more_fixtures;
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
mod rest_of_fixtures;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod writes;
