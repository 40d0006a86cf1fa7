//! Batches of small rows, as nearly all are: the whole transaction is one text
//! of several statements, so that SQLite's thread is woken once for it.
//!
//! Each text is prepared once and kept. So that there are few of them, tables
//! of values have one of a few sizes, and places that are left over hold nulls.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{Row, totals};

/// How many rows one `INSERT` has places for.
const ROWS: [usize; 4] = [4, 16, 32, 64];
/// How many runs one `UPDATE` has places for.
const RUNS: [usize; 4] = [1, 4, 16, 64];

/// Stores all rows or none.
pub(super) async fn store(connection: &mut SqliteConnection, rows: &[&Row]) -> Result<(), sqlx::Error> {
    let runs: Vec<(i64, (i64, i64))> = totals(rows).into_iter().collect();
    let mut query = sqlx::query(AssertSqlSafe(text(rows.len(), runs.len())));
    for row in rows {
        query = query
            .bind(Some(row.run))
            .bind(Some(i64::try_from(row.seq).unwrap_or(i64::MAX)))
            .bind(Some(row.at_ms))
            .bind(Some(row.kind))
            .bind(Some(row.encoded.body.as_str()));
    }
    for _ in 0..5 * (places(rows.len(), &ROWS).sum::<usize>() - rows.len()) {
        query = query.bind(None::<i64>);
    }
    // What is not bound at the end is null.
    for (run, (events, bytes)) in runs {
        query = query.bind(Some(run)).bind(Some(events)).bind(Some(bytes));
    }
    let stored = query.execute(&mut *connection).await;
    if stored.is_err() {
        // Fails where the first statement did, and there is nothing to be undone then.
        let _ = sqlx::query("ROLLBACK").execute(connection).await;
    }
    stored.map(drop)
}

/// The whole transaction.
fn text(rows: usize, runs: usize) -> String {
    let mut text = String::from("BEGIN IMMEDIATE;");
    for places in places(rows, &ROWS) {
        text.push_str("INSERT INTO entries (run, seq, at_ms, kind, body) SELECT * FROM (VALUES ");
        values(&mut text, "(?,?,?,?,?)", places);
        text.push_str(") WHERE column1 NOT NULL;");
    }
    for places in places(runs, &RUNS) {
        text.push_str("UPDATE runs SET events = events + column2, bytes = bytes + column3 FROM (VALUES ");
        values(&mut text, "(?,?,?)", places);
        text.push_str(") WHERE id = column1;");
    }
    text.push_str("COMMIT");
    text
}

fn values(text: &mut String, one: &str, times: usize) {
    for index in 0..times {
        text.push_str(if index > 0 { "," } else { "" });
        text.push_str(one);
    }
}

/// The sizes of the tables that hold so many: as few as there can be.
fn places(mut of: usize, sizes: &[usize; 4]) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let last = sizes.last().copied().filter(|_| of > 0)?;
        let size = sizes.iter().copied().find(|size| *size >= of).unwrap_or(last);
        of = of.saturating_sub(size);
        Some(size)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_place_for_each_and_few_texts() {
        for (of, expected) in
            [(0, vec![]), (1, vec![4]), (4, vec![4]), (5, vec![16]), (64, vec![64]), (70, vec![64, 16])]
        {
            assert_eq!(places(of, &ROWS).collect::<Vec<_>>(), expected, "{of}");
        }
        let mut texts: Vec<String> = (1..=512).map(|rows| text(rows, 1)).collect();
        texts.dedup();
        assert_eq!(texts.len(), 32);
    }
}
