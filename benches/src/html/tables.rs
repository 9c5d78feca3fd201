//! The tables of the page: one a suite, folded, with its notes below it; and the filter over them.

use super::{Extras, anchor};
use crate::against::{Change, Changes, change};
use crate::report::{Report, Row};
use crate::score::Score;
use crate::suite::Suite;
use crate::table::spread;
use crate::targets::{Judged, Tally};
use crate::text::{figure, thousands};
use crate::verdict::Verdict;
use maud::{Markup, html};
use std::collections::BTreeSet;

pub(super) fn section(report: &Report, suites: &[&Suite], extras: &Extras) -> Markup {
    html! {
        section #tables {
            h2 { "Tables" }
            (filter(report, suites))
            @for suite in suites { (folded(report, suite, extras)) }
            @if let Some(judged) = extras.judged { (limits(judged)) }
        }
    }
}

/// Hidden until the script runs that it needs.
fn filter(report: &Report, suites: &[&Suite]) -> Markup {
    let by_word = |peer: &str| (peer.to_lowercase(), peer.to_owned());
    let rows = report.rows.iter().filter(|row| row.has_peer());
    let peers: BTreeSet<(String, String)> = rows.map(|row| by_word(&row.peer)).collect();
    html! {
        form #filter hidden aria-label="Rows to show" {
            label {
                "Suite"
                select name="suite" {
                    option value="" { "all" }
                    @for suite in suites { option { (suite.name) } }
                }
            }
            label {
                "Peer"
                select name="peer" {
                    option value="" { "all" }
                    @for (_, peer) in &peers { option { (peer) } }
                }
            }
            label { input type="checkbox" name="behind"; "behind only" }
            button type="button" name="all" { "Show all" }
            output.faint name="shown" aria-live="polite" {}
        }
    }
}

fn folded(report: &Report, suite: &Suite, extras: &Extras) -> Markup {
    let rows: Vec<(usize, &Row)> =
        report.rows.iter().enumerate().filter(|(_, row)| row.suite == suite.name).collect();
    let above = std::iter::once(None).chain(rows.iter().map(|(_, row)| Some(*row)));
    let score = Score::of(suite, &report.rows);
    html! {
        details.suite id=(suite.name) {
            summary {
                h3 { (suite.name) } " " (suite.about) " "
                span.faint {
                    "· " (rows.len()) " rows: " (score.ahead) " ahead, " (score.level) " level, " (score.behind) " behind"
                }
            }
            div {
                @if !rows.is_empty() {
                    table {
                        thead { tr {
                            th scope="col" { "case" } th.number scope="col" { "n" } th scope="col" { "redcore" }
                            th.number scope="col" { "value" } th scope="col" { "peer" }
                            th.number scope="col" { "value" } th.number scope="col" { "ratio" }
                            th scope="col" { "spread" }
                            @if let Some(changes) = extras.changes {
                                th.number scope="col" { (changes.before.name) } th scope="col" { "change" }
                            }
                        } }
                        tbody {
                            @for ((index, row), above) in rows.iter().zip(above) {
                                (table_row(*index, row, above, extras.changes))
                            }
                        }
                    }
                }
                @for note in report.notes_of(suite.name) { pre { (note.text) } }
            }
        }
    }
}

/// One row; what it shares with the one above shows only where the filter may have taken that one away.
fn table_row(index: usize, row: &Row, above: Option<&Row>, changes: Option<&Changes>) -> Markup {
    let same_case = above.is_some_and(|above| above.same_case(row));
    let same_subject = above.is_some_and(|above| above.same_value(row));
    let verdict = Verdict::of(row).map(Verdict::word);
    html! {
        tr id=(anchor(index)) class=[(!same_case).then_some("case")] data-peer=(row.peer) data-verdict=[verdict] {
            td.case.again[same_case] { span { (row.title()) } }
            td.number.size.again[same_case] data-label="n" { span { (thousands(row.n as i64)) } }
            td.ours.again[same_subject] { span { (breakable(&row.subject)) } }
            td.number.ours.again[same_subject] { span { (figure(row.value)) " " (row.unit) } }
            @if row.peer.is_empty() {
                td {} td {} td {} td {}
            } @else {
                td data-label="beside" { (breakable(&row.peer)) }
                td.number { (figure(row.peer_value)) " " (row.unit) }
                td.number.ratio data-label="ratio" { (figure(row.ratio)) }
                td.spread.faint data-label="spread" { (spread(row)) }
            }
            @if let Some(changes) = changes { (changed(row, changes)) }
        }
    }
}

/// A name of types and functions that may go over several lines.
fn breakable(name: &str) -> Markup {
    html! { @for part in name.split_inclusive(['<', '+', '_']) { (part) wbr; } }
}

/// The cells that compare a row with a saved run.
fn changed(row: &Row, changes: &Changes) -> Markup {
    let (change, then) = change(row, &changes.before.document.rows);
    let class = match change {
        Change::Worse => "behind",
        Change::Better => "ahead",
        _ => "faint",
    };
    html! {
        td.number.was data-label=(changes.before.name) { @if let Some(then) = then { (figure(then.verdict_value())) } }
        td.change data-label="change" { span class=(class) { (change.word()) } }
    }
}

fn limits(judged: &[Judged]) -> Markup {
    html! {
        details #limits {
            summary { (Tally::of(judged).summary()) }
            div {
                table {
                    thead { tr {
                        th scope="col" { "row" } th.number scope="col" { "n" } th.number scope="col" { "found" }
                        th.number scope="col" { "limit" } th.number scope="col" { "issue" } th scope="col" { "known, and why" }
                    } }
                    tbody { @for judged in judged { (limit(judged)) } }
                }
            }
        }
    }
}

fn limit(judged: &Judged) -> Markup {
    let target = judged.target;
    let names = [Some(&target.suite), Some(&target.case), Some(&target.metric)];
    let subject = judged.row.map(|row| &row.subject).or(target.subject.as_ref());
    let names: Vec<&str> =
        names.into_iter().chain([subject, target.peer.as_ref()]).flatten().map(String::as_str).collect();
    let n = judged.row.map(|row| row.n).or(target.n);
    html! {
        tr.case {
            td.case { (names.join(", ")) }
            td.number data-label="n" { @if let Some(n) = n { (thousands(n as i64)) } }
            td.number.ahead[judged.met].behind[!judged.met] data-label="found" {
                @if judged.row.is_some() { (figure(judged.found)) } @else { "no such row" }
            }
            td.number data-label="limit" { (figure(target.limit)) }
            td.number data-label="issue" { (target.issue) }
            td.why { (target.known()) }
        }
    }
}
