//! What is known and the links: several rows of each in one statement, locked in one order.

use deadpool_postgres::Transaction;

use super::{
    super::{AccountKey, KnownRow, Learned, LinkRow},
    rows::{execute, lead_number, text},
};
use crate::error::StoreError;

/// The rung that overrules all others.
const PERSON: &str = "person";

/// Keeps what is known and the links, all of it or, by a conflict, nothing.
pub(super) async fn learn(
    transaction: &Transaction<'_>,
    account: AccountKey,
    learned: &Learned,
) -> Result<(), StoreError> {
    keep_known(transaction, account, &learned.known).await?;
    match by_person(&learned.links) {
        true => keep_persons_links(transaction, account, &learned.links).await,
        false => keep_links(transaction, account, &learned.links).await,
    }
}

async fn keep_known(
    transaction: &Transaction<'_>,
    account: AccountKey,
    known: &[KnownRow],
) -> Result<(), StoreError> {
    if known.is_empty() {
        return Ok(());
    }
    let entities: Vec<&str> = known.iter().map(|row| row.entity.as_str()).collect();
    let states: Vec<_> = known.iter().map(|row| text(&row.state)).collect();
    let versions: Vec<i64> = known.iter().map(|row| row.version).collect();
    // Of two first writers the later one waits for the earlier one here, and then finds its version.
    let changed = execute(
        transaction,
        "INSERT INTO known(account, entity, state, version)
         SELECT $1, u.entity, u.state, u.version + 1
         FROM unnest($2::text[], $3::text[], $4::bigint[]) u(entity, state, version)
         WHERE u.version = 0 OR EXISTS (SELECT 1 FROM known k WHERE k.account = $1 AND k.entity = u.entity)
         ORDER BY u.entity COLLATE \"C\"
         ON CONFLICT(account, entity) DO UPDATE SET state = excluded.state, version = excluded.version
         WHERE known.version = excluded.version - 1",
        &[&account.get(), &entities, &states, &versions],
    )
    .await?;
    match usize::try_from(changed) {
        Ok(changed) if changed == known.len() => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

/// Links of which none is a person's word change nothing that is there.
async fn keep_links(
    transaction: &Transaction<'_>,
    account: AccountKey,
    links: &[LinkRow],
) -> Result<(), StoreError> {
    if links.is_empty() {
        return Ok(());
    }
    let LinkColumns { entities, leads, rungs } = LinkColumns::of(links)?;
    execute(
        transaction,
        "INSERT INTO link(account, entity, lead, rung)
         SELECT $1, u.entity, u.lead, u.rung FROM unnest($2::text[], $3::bigint[], $4::text[]) u(entity, lead, rung)
         ORDER BY u.entity COLLATE \"C\", u.lead ON CONFLICT(account, entity, lead) DO NOTHING",
        &[&account.get(), &entities, &leads, &rungs],
    )
    .await?;
    Ok(())
}

async fn keep_persons_links(
    transaction: &Transaction<'_>,
    account: AccountKey,
    links: &[LinkRow],
) -> Result<(), StoreError> {
    let mut links: Vec<&LinkRow> = links.iter().collect();
    links.sort_by(|one, two| (&one.entity, one.lead).cmp(&(&two.entity, two.lead)));
    for link in links {
        let lead = lead_number(link.lead)?;
        if link.rung == PERSON {
            // Two persons at the same moment: the later one must see what the earlier one said.
            execute(
                transaction,
                "SELECT pg_advisory_xact_lock(hashtextextended($2, $1))",
                &[&account.get(), &link.entity],
            )
            .await?;
            execute(
                transaction,
                "DELETE FROM link WHERE account = $1 AND entity = $2 AND lead <> $3 AND rung = 'person'",
                &[&account.get(), &link.entity, &lead],
            )
            .await?;
        }
        execute(
            transaction,
            "INSERT INTO link(account, entity, lead, rung) VALUES($1, $2, $3, $4)
             ON CONFLICT(account, entity, lead) DO UPDATE SET rung = excluded.rung
             WHERE excluded.rung = 'person'",
            &[&account.get(), &link.entity, &lead, &link.rung],
        )
        .await?;
    }
    Ok(())
}

/// Links as the columns of a table, for `unnest`.
pub(super) struct LinkColumns<'a> {
    pub(super) entities: Vec<&'a str>,
    pub(super) leads: Vec<i64>,
    pub(super) rungs: Vec<&'a str>,
}

impl<'a> LinkColumns<'a> {
    pub(super) fn of(links: &'a [LinkRow]) -> Result<Self, StoreError> {
        Ok(Self {
            entities: links.iter().map(|link| link.entity.as_str()).collect(),
            leads: links.iter().map(|link| lead_number(link.lead)).collect::<Result<_, _>>()?,
            rungs: links.iter().map(|link| link.rung.as_str()).collect(),
        })
    }
}

/// Whether somebody's word stands among these links.
pub(super) fn by_person(links: &[LinkRow]) -> bool {
    links.iter().any(|link| link.rung == PERSON)
}
