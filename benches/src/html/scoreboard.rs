//! The scoreboard of the page, which has a box for each suite.

use super::{RunContext, anchor};
use crate::report::{Report, Row};
use crate::score::{HeadlineRatio, NO_HEADLINE, Score};
use crate::suite::Suite;
use crate::targets::Tally;
use crate::text::figure;
use crate::verdict::{NOISE_OF_MINIMUM, RULE, Verdict};
use maud::{Markup, html};
use std::ptr;

pub(super) fn section(report: &Report, suites: &[&Suite], context: &RunContext) -> Markup {
    html! {
        section #scoreboard {
            h2 { "Scoreboard" }
            p {
                "A ratio is redcore over its peer: below 1 redcore is ahead. All subjects take turns, round by round; times \
                 and ratios are medians over the rounds, and the spread is the quartiles of the ratio. The suite latency has \
                 single readings instead: the plain first run, and for each operation the least time of several runs."
            }
            p {
                (RULE) " All other rows are level. The ratios of least times have no spread, and are level within "
                (format!("{:.0}", NOISE_OF_MINIMUM * 100.0)) " %. What is counted, such as bytes, is level when the ratio is \
                 printed as 1.00. In the tables " (Verdict::Ahead.sign()) " marks rows that are ahead, and "
                (Verdict::Behind.sign()) " rows that are behind."
            }
            p {
                "Each row compares with one peer; a case with five peers is five rows. Not counted are rows without a peer, \
                 plain runs, and rows beside redcore itself, beside arithmetic or a goal, or beside the best of \
                 several peers. A headline may use them. A headline of several rows is their geometric mean."
            }
            @if let Some(judged) = context.judged { p { a href="#limits" { (Tally::of(judged).summary()) } } }
            @if let Some(changes) = context.changes { p { (changes.summary()) } }
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
                @if score.not_counted > 0 { span.faint { " · " (score.not_counted) " not counted" } }
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

/// Returns the ratio of the headline, as a link to its row or to the first of its rows.
fn headline(report: &Report, suite: &Suite, headline: Option<&HeadlineRatio>) -> Markup {
    html! {
        div.headline {
            @match headline {
                Some(headline) => {
                    strong { (figure(headline.ratio)) }
                    (link(report, headline.rows[0], &headline.describe(suite.headline.what)))
                }
                None => span.faint { (NO_HEADLINE) }
            }
        }
    }
}

fn link(report: &Report, row: &Row, text: &str) -> Markup {
    let index = report.rows.iter().position(|other| ptr::eq(other, row));
    html! { @if let Some(index) = index { a href={ "#" (anchor(index)) } { (text) } } }
}
