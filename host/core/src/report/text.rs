//! The report for a person: what is broken, why, what fixes it.

use super::Report;

/// How the text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub colour: Colour,
    /// Columns of the terminal; 0: lines are not wrapped.
    pub width: usize,
}

/// Whether escapes for colours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Never,
    Always,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: Colour::Never, width: 100 }
    }
}

/// The whole report, ending in a line break.
#[must_use]
pub fn render(report: &Report, style: Style) -> String {
    let _ = style;
    let mut text = format!("{}\n", report.outcome);
    for finding in &report.findings {
        text.push_str(&crate::text::clean_line(
            &format!("{} {}: {}", finding.object, finding.reason, finding.message),
            500,
        ));
        text.push('\n');
    }
    text
}
