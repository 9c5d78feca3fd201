//! The tables of the page, and the filter above them. Each suite has one folded table with its notes below
//! it.

use super::{RunContext, anchor};
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

pub(super) fn section(report: &Report, suites: &[&Suite], context: &RunContext) -> Markup {
    html! {
        section #tables {
            h2 { "Tables" }
            (filter(report, suites))
            @for suite in suites { (folded(report, suite, context)) }
            @if let Some(judged) = context.judged { (limits(judged)) }
        }
    }
}

/// Returns the filter. It is hidden until its script runs.
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

fn folded(report: &Report, suite: &Suite, context: &RunContext) -> Markup {
    let rows: Vec<(usize, &Row)> =
        report.rows.iter().enumerate().filter(|(_, row)| row.suite == suite.name).collect();
    let above = std::iter::once(None).chain(rows.iter().map(|(_, row)| Some(*row)));
    let score = Score::of(suite, &report.rows);
    html! {
        details.suite id=(suite.name) {
            summary {
                h3 { (suite.name) } " " (suite.about) " "
                span.faint { "· " (counts(rows.len(), &score)) }
            }
            div {
                @if !rows.is_empty() {
                    table role="table" {
                        thead role="rowgroup" { tr role="row" {
                            (head("", "case")) (head("number", "n")) (head("", "redcore")) (head("number", "value"))
                            (head("", "peer")) (head("number", "value")) (head("number", "ratio")) (head("", "spread"))
                            @if let Some(changes) = context.changes {
                                (head("number", changes.before.name)) (head("", "change"))
                            }
                        } }
                        tbody role="rowgroup" {
                            @for ((index, row), above) in rows.iter().zip(above) {
                                (table_row(*index, row, above, context.changes))
                            }
                        }
                    }
                }
                @for note in report.notes_of(suite.name) { pre { (note.text) } }
            }
        }
    }
}

/// Returns the line with the number of rows and their verdicts.
fn counts(rows: usize, score: &Score) -> String {
    let Score { ahead, level, behind, not_counted, .. } = score;
    let s = if rows == 1 { "" } else { "s" };
    let rest = if *not_counted > 0 { format!(", {not_counted} not counted") } else { String::new() };
    format!("{rows} row{s}: {ahead} ahead, {level} level, {behind} behind{rest}")
}

/// Returns the head of a column. The tables have explicit roles, because on narrow screens the style sheet
/// lays them out as blocks, which removes the implicit roles.
fn head(class: &str, text: &str) -> Markup {
    html! { th class=[(!class.is_empty()).then_some(class)] role="columnheader" scope="col" { (text) } }
}

/// Returns one row. Cells that are equal to those of the row above are shown only if the filter hides that
/// row.
fn table_row(index: usize, row: &Row, above: Option<&Row>, changes: Option<&Changes>) -> Markup {
    let same_case = above.is_some_and(|above| above.same_case(row));
    let same_subject = above.is_some_and(|above| above.same_value(row));
    let verdict = Verdict::of(row);
    let class = if same_case { None } else { Some("case") };
    let word = verdict.map(Verdict::word);
    html! {
        tr id=(anchor(index)) class=[class] role="row" data-peer=(row.peer) data-verdict=[word] {
            td.case.again[same_case] role="cell" { span { (row.title()) } }
            td.number.size.again[same_case] role="cell" data-label="n" { span { (thousands(row.n as i64)) } }
            td.ours.again[same_subject] role="cell" { span { (breakable(&row.subject)) } }
            td.number.ours.again[same_subject] role="cell" { span { (figure(row.value)) " " (row.unit) } }
            @if row.has_peer() {
                td role="cell" data-label="beside" { (breakable(&row.peer)) }
                td.number role="cell" { (figure(row.peer_value)) " " (row.unit) }
                td.number.ratio role="cell" data-label="ratio" { (figure(row.ratio)) (sign(verdict)) }
                td.spread.faint role="cell" data-label="spread" { (spread(row)) }
            } @else {
                td role="cell" { (row.peer) } td role="cell" {} td role="cell" {} td role="cell" {}
            }
            @if let Some(changes) = changes { (changed(row, changes)) }
        }
    }
}

/// Returns the sign of a verdict. A row without a sign has an empty place for it, so that the digits are
/// aligned.
fn sign(verdict: Option<Verdict>) -> Markup {
    html! {
        @match verdict {
            Some(verdict @ (Verdict::Ahead | Verdict::Behind)) => span.sign role="img" aria-label=(verdict.word()) { (verdict.sign()) }
            _ => span.sign {}
        }
    }
}

/// Returns the name of a type or function with places at which a line may be broken.
fn breakable(name: &str) -> Markup {
    html! { @for part in name.split_inclusive(['<', '+', '_']) { (part) wbr; } }
}

/// Returns the cells that compare a row with a saved run.
fn changed(row: &Row, changes: &Changes) -> Markup {
    let (change, then) = change(row, &changes.before.document.rows);
    let class = match change {
        Change::Worse => "behind",
        Change::Better => "ahead",
        _ => "faint",
    };
    html! {
        td.number.was role="cell" data-label=(changes.before.name) { @if let Some(then) = then { (figure(then.verdict_value())) } }
        td.change role="cell" data-label="change" { span class=(class) { (change.word()) } }
    }
}

fn limits(judged: &[Judged]) -> Markup {
    html! {
        details #limits {
            summary { (Tally::of(judged).summary()) }
            div {
                table role="table" {
                    thead role="rowgroup" { tr role="row" {
                        (head("", "row")) (head("number", "n")) (head("number", "found"))
                        (head("number", "limit")) (head("number", "issue")) (head("", "known, and why"))
                    } }
                    tbody role="rowgroup" { @for judged in judged { (limit(judged)) } }
                }
            }
        }
    }
}

fn limit(judged: &Judged) -> Markup {
    let target = judged.target;
    let verdict = if judged.met { "held" } else { "missed" };
    html! {
        tr.case role="row" {
            td.case role="cell" { (judged.name()) }
            td.number role="cell" data-label="n" { (judged.n()) }
            td.number.ahead[judged.met].behind[!judged.met] role="cell" data-label="found" {
                (judged.found()) @if judged.row.is_some() { ", " (verdict) }
            }
            td.number role="cell" data-label="limit" { (figure(target.limit)) }
            td.number role="cell" data-label="issue" { (target.issue) }
            td.why role="cell" { (target.known()) }
        }
    }
}
