//! The scoreboard of the page: a box a suite.

use super::{Extras, anchor};
use crate::report::{Report, Row};
use crate::score::{Figure, Score};
use crate::suite::Suite;
use crate::targets::Tally;
use crate::text::figure;
use crate::verdict::Verdict;
use maud::{Markup, html};
use std::ptr;

pub(super) fn section(report: &Report, suites: &[&Suite], extras: &Extras) -> Markup {
    html! {
        section #scoreboard {
            h2 { "Scoreboard" }
            p {
                "A ratio is redcore over its peer: below 1 redcore is ahead (for ops/s: above 1). All subjects take turns, \
                 round by round; times and ratios are medians over the rounds, with the quartiles of the ratio as its \
                 spread. A row is ahead or behind where the whole spread is on one side of 1, and level elsewhere. Rows \
                 without a peer are not counted."
            }
            @if let Some(judged) = extras.judged { p { a href="#limits" { (Tally::of(judged).summary()) } } }
            @if let Some(changes) = extras.changes { p { (changes.summary()) } }
            div.scores { @for suite in suites { (scored(report, suite)) } }
        }
    }
}

fn scored(report: &Report, suite: &Suite) -> Markup {
    let score = Score::of(suite, &report.rows);
    let counts =
        [(Verdict::Ahead, score.ahead), (Verdict::Level, score.level), (Verdict::Behind, score.behind)];
    html! {
        div.score {
            div { h3 { a href={ "#" (suite.name) } { (suite.name) } } " " span.faint { (suite.about) } }
            (headline(report, suite, score.headline.as_ref()))
            @if score.best.is_some() {
                div.bar aria-hidden="true" {
                    @for (verdict, count) in counts.iter().filter(|(_, count)| *count > 0) {
                        i class=(verdict.word()) style={ "flex-grow: " (count) } {}
                    }
                }
                @for (i, (verdict, count)) in counts.iter().enumerate() {
                    @if i > 0 { " · " }
                    span class=(verdict.word()) { (count) " " (verdict.word()) }
                }
            }
            dl {
                @for (label, row) in [("best", score.best), ("worst", score.worst)] {
                    @if let Some(row) = row {
                        dt { (label) } dd.number { (figure(row.ratio)) } dd { (link(report, row, &row.name())) }
                    }
                }
            }
        }
    }
}

/// The figure of the headline; it leads to its row, or to the first of several.
fn headline(report: &Report, suite: &Suite, headline: Option<&Figure>) -> Markup {
    html! {
        div.headline {
            @match headline {
                Some(headline) => {
                    strong { (figure(headline.ratio)) }
                    (link(report, headline.rows[0], &headline.describe(suite.headline.what)))
                }
                None => span.faint { "no row of the headline in this run" }
            }
        }
    }
}

fn link(report: &Report, row: &Row, text: &str) -> Markup {
    let index = report.rows.iter().position(|other| ptr::eq(other, row));
    html! { @if let Some(index) = index { a href={ "#" (anchor(index)) } { (text) } } }
}
